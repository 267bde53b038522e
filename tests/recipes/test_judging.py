"""Outputs beside the truth on small cases, against what one counts by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from nbtrain.core.outcomes import MOST_POINTS
from nbtrain.engine.batch import Batch
from nbtrain.engine.tasks import IGNORED
from nbtrain.recipes.judging.amounts import Amounts
from nbtrain.recipes.judging.classes import Classes
from nbtrain.recipes.judging.goal import Guessing
from nbtrain.recipes.judging.showing import Places, as_text
from nbtrain.recipes.judging.tags import Tags
from nbtrain.recipes.judging.texts import Foreseen
from nbtrain.recipes.judging.verdict import highest

NET = nn.Identity()


def seen(judge, *batches, worst=3):
    """What a judge says of batches (output, target)."""
    for output, target in batches:
        judge.see(NET, Batch(None, target, len(target)), output)
    return judge.verdict(worst)


def logits(*shares):
    return torch.tensor(shares).log()


def test_classes_are_counted_by_truth_and_prediction():
    first = logits((0.7, 0.2, 0.1), (0.1, 0.8, 0.1), (0.6, 0.3, 0.1))
    second = logits((0.1, 0.1, 0.8), (0.5, 0.4, 0.1))
    found = seen(Classes(["a", "b", "c"]), (first, torch.tensor([0, 1, 1])), (second, torch.tensor([2, 1])))
    assert found.confusion == ((0, 0, 1), (1, 0, 2), (1, 1, 1), (2, 2, 1))
    assert (found.rows, found.classes) == (5, ("a", "b", "c"))
    assert found.figures == {"accuracy": 3 / 5, "macro_f1": pytest.approx((2 / 4 + 2 / 4 + 1) / 3)}
    assert [(group.name, group.rows) for group in found.groups] == [("a", 1), ("b", 3), ("c", 1)]
    assert found.groups[1].figures == {"precision": 1.0, "recall": pytest.approx(1 / 3), "f1": pytest.approx(1 / 2)}
    assert [(each.row, each.truth, each.predicted) for each in found.worst] == [
        (2, "b", "a"), (4, "b", "a"), (0, "a", "a")]
    assert [each.measure for each in found.worst] == pytest.approx([-math.log(0.3), -math.log(0.4), -math.log(0.7)])
    assert found.worst[0].chance == pytest.approx(0.6)
    assert found.predictions["truth"] == ["a", "b", "b", "c", "b"]


def test_two_classes_by_one_number_or_two_and_by_a_threshold():
    yes = torch.tensor([0.2, 0.45, 0.9])
    target = torch.tensor([0.0, 1.0, 1.0])
    one = seen(Classes(), (yes.logit()[:, None], target[:, None]))
    two = seen(Classes(), (torch.stack([1 - yes, yes], 1).log(), target.long()))
    assert one.confusion == two.confusion == ((0, 0, 1), (1, 0, 1), (1, 1, 1))
    assert one.predictions["chance"] == pytest.approx(two.predictions["chance"])
    lower = seen(Classes(threshold=0.4), (yes.logit(), target))
    assert lower.confusion == ((0, 0, 1), (1, 1, 2))
    assert lower.classes == ("0", "1")


def test_shares_of_a_models_own_are_not_taken_for_logits():
    given = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    found = seen(Classes(), (given, torch.tensor([0, 0])))
    assert found.worst[0].measure == pytest.approx(-math.log(0.2))


def test_each_place_of_a_row_counts_and_padding_does_not():
    output = logits(((0.9, 0.1), (0.8, 0.2), (0.5, 0.5)), ((0.3, 0.7), (0.6, 0.4), (0.9, 0.1)))
    target = torch.tensor([[0, 1, IGNORED], [1, 0, 0]])
    found = seen(Classes(), (output, target))
    assert found.confusion == ((0, 0, 3), (1, 0, 1), (1, 1, 1))
    assert found.worst[0].measure == pytest.approx(-(math.log(0.9) + math.log(0.2)) / 2)
    assert found.worst[0].truth == ""  # a row has several
    assert not found.predictions
    images = seen(Classes(), (output.movedim(-1, 1)[..., None], target[..., None]))  # (rows, classes, height, width)
    assert images.confusion == found.confusion


def test_a_vocabulary_is_no_table():
    found = seen(Classes(), (torch.zeros(2, 5, 1001), torch.zeros(2, 5, dtype=torch.int64)))
    assert not found.confusion
    assert "1,001 classes" in found.notes[0]


def test_amounts_are_told_in_their_own_units_also_far_from_zero():
    draw = np.random.default_rng(0)
    truth = 1e6 + draw.normal(size=200)
    said = truth + 0.1 * draw.normal(size=200)
    judge = Amounts(lambda values: values * 2.0 + 1e6)
    batches = [((torch.from_numpy(said[part]) - 1e6) / 2, (torch.from_numpy(truth[part]) - 1e6) / 2)
               for part in (slice(0, 70), slice(70, 200))]
    found = seen(judge, *((output[:, None], target) for output, target in batches))
    gap = said - truth
    assert found.figures["mae"] == pytest.approx(np.abs(gap).mean())
    assert found.figures["rmse"] == pytest.approx(math.sqrt((gap**2).mean()))
    assert found.figures["r2"] == pytest.approx(1 - (gap**2).sum() / ((truth - truth.mean())**2).sum(), rel=1e-6)
    assert found.worst[0].row == int(np.abs(gap).argmax())
    assert found.predictions["error"] == pytest.approx(gap, abs=1e-6)
    assert found.measure == "error"


def test_points_are_thinned_evenly_and_figures_are_of_all():
    truth = torch.arange(10_000.0)
    found = seen(Amounts(), (truth + 1, truth))
    assert len(found.points) == MOST_POINTS
    assert (found.points[0], found.points[-1]) == ((0.0, 1.0), (9999.0, 10_000.0))
    assert found.figures["mae"] == 1.0
    assert found.rows == 10_000


def test_rows_of_many_amounts_are_told_by_their_mean():
    truth = torch.zeros(3, 2, 100)
    found = seen(Amounts(), (truth + torch.tensor([0.0, 2.0, 1.0])[:, None, None], truth))
    assert [(each.row, each.measure) for each in found.worst] == [(1, 2.0), (2, 1.0), (0, 0.0)]
    assert len(found.points) == 64
    assert found.figures["mae"] == 1.0


def test_spans_count_where_kind_and_both_ends_are_right():
    names = ["O", "B-PER", "I-PER", "B-LOC"]
    truth = [[1, 2, 0, 3], [0, 3, IGNORED, IGNORED]]
    said = [[1, 0, 0, 3], [0, 1, 0, 0]]  # a person cut short; a place taken for a person
    output = functional.one_hot(torch.tensor(said), 4).float() * 9
    found = seen(Tags(names, lambda places: [[["Ali", "Reza", "in", "Rasht"], ["to", "Paris"]][p] for p in places]),
                 (output, torch.tensor(truth)))
    of = {group.name: (group.rows, group.figures) for group in found.groups}
    assert of["PER"] == (1, {"precision": 0.0, "recall": 0.0, "f1": 0.0})
    assert of["LOC"] == (2, {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3)})
    assert found.confusion == ((0, 0, 2), (1, 1, 1), (2, 0, 1), (3, 1, 1), (3, 3, 1))
    worst = found.worst[0]
    assert (worst.row, worst.text, worst.truth, worst.predicted) == (1, "to Paris", "LOC: Paris", "PER: Paris")
    assert worst.cells == (("Paris", "B-LOC → B-PER"),)
    assert found.worst[1].truth == "PER: Ali Reza · LOC: Rasht"


def test_a_text_has_its_own_perplexity_however_rows_are_packed():
    lengths = np.array([3, 4, 2])
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(0, 7, (9,), generator=draw)
    scores = torch.randn(9, 7, generator=draw)
    each = functional.cross_entropy(scores[:-1], ids[1:], reduction="none")  # place i foresees i + 1

    def rows(sizes):
        """Rows of these sizes, padded; the last place of a row foresees nothing."""
        output, target = torch.zeros(len(sizes), max(sizes), 7), torch.full((len(sizes), max(sizes)), IGNORED)
        for number, (start, size) in enumerate(zip(np.cumsum([0, *sizes[:-1]]), sizes, strict=True)):
            output[number, :size] = scores[start:start + size]
            target[number, :size - 1] = ids[start + 1:start + size]
        return output, target

    apart = seen(Foreseen(lengths, lengths, Places()), rows([3, 4, 2]))
    texts = [each[0:2], each[3:6], each[7:8]]
    assert apart.predictions["perplexity"] == pytest.approx([float(text.mean().exp()) for text in texts], rel=1e-5)
    packed = seen(Foreseen(lengths, np.array([5, 4]), Places()), rows([5, 4]))
    texts = [each[0:2], torch.cat([each[2:4], each[5:6]]), each[6:8]]  # what ends a row foresees nothing
    assert packed.predictions["perplexity"] == pytest.approx([float(text.mean().exp()) for text in texts], rel=1e-5)
    assert packed.figures["perplexity"] == pytest.approx(float(torch.cat(texts).mean().exp()), rel=1e-5)
    assert list(packed.predictions["tokens"]) == [2, 3, 2]


def test_each_of_several_labels_has_its_figures():
    target = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    output = torch.tensor([[2.0, -1.0, 3.0], [1.0, -2.0, -3.0], [2.0, -1.0, -1.0]])
    found = seen(Guessing("multilabel", [], Places()), (output[:2], target[:2]), (output[2:], target[2:]))
    assert [(group.name, group.rows) for group in found.groups] == [("0", 2), ("1", 1), ("2", 2)]
    assert found.groups[0].figures == {"precision": pytest.approx(2 / 3), "recall": 1.0, "f1": pytest.approx(0.8)}
    assert found.groups[1].figures == {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert found.figures["macro_f1"] == pytest.approx((0.8 + 0 + 2 / 3) / 3)
    worst = found.worst[0]
    assert (worst.row, worst.truth, worst.predicted) == (1, "2", "0")
    assert worst.measure == pytest.approx(float(functional.binary_cross_entropy_with_logits(output[1], target[1])))
    assert found.predictions["truth"] == [[0, 2], [2], [0, 1]]


def test_what_is_judged_follows_the_shapes_where_nobody_says():
    classes = seen(Guessing("custom", [], Places()), (torch.randn(4, 3), torch.tensor([0, 1, 2, 0])))
    assert classes.classes == ("0", "1", "2")
    assert seen(Guessing("custom", [], Places()), (torch.randn(4, 1), torch.tensor([0.5, 1.5, 2.0, 3.0]))).points
    silent = seen(Guessing("custom", [], Places()), (None, torch.zeros(4)), (None, torch.zeros(4)))
    assert (silent.rows, silent.worst) == (8, ())
    assert "figures alone" in silent.notes[0]


def test_what_is_no_number_is_worst():
    assert highest(np.array([1.0, math.nan, 3.0, 3.0]), 3) == [1, 2, 3]


def test_shares_or_logits_is_decided_for_all_rows_at_once():
    rows, target = torch.tensor([[0.3, 0.7], [0.4, 0.2]]), torch.tensor([0, 1])
    whole = seen(Classes(threshold=0.65), (rows, target))
    apart = seen(Classes(threshold=0.65), (rows[:1], target[:1]), (rows[1:], target[1:]))
    assert list(apart.predictions["chance"]) == list(whole.predictions["chance"])
    assert list(apart.predictions["loss"]) == list(whole.predictions["loss"])
    assert apart.confusion == whole.confusion == ((0, 0, 1), (1, 0, 1))  # by 0.599, not by 0.7


def test_columns_of_the_data_give_way_to_those_of_a_judge():
    others = {"row": np.array(["n", "s"]), "truth": np.array([5, 6])}
    target = torch.tensor([1.0, 4.0])
    amounts = seen(Amounts(others=others), (target + 2, target)).predictions
    classes = seen(Classes(others=others), (torch.eye(2), torch.tensor([0, 1]))).predictions
    for found, truth in ((amounts, [1.0, 4.0]), (classes, ["0", "1"])):
        assert list(found)[:3] == ["row", "row (data)", "truth (data)"]
        assert (list(found["row"]), list(found["row (data)"])) == ([0, 1], ["n", "s"])
        assert (list(found["truth"]), list(found["truth (data)"])) == (truth, [5, 6])


def test_several_amounts_of_a_row_are_a_column_each_and_too_many_are_said():
    target = torch.arange(6.0).reshape(2, 3)
    found = seen(Amounts(), (target[:1] + 1, target[:1]), (target[1:] - 2, target[1:]))
    assert list(found.predictions) == ["row", *(f"{each}_{n}" for n in range(3) for each in (
        "truth", "predicted", "error"))]
    assert list(found.predictions["truth_2"]) == [2.0, 5.0]
    assert list(found.predictions["error_0"]) == [1.0, -2.0]
    assert (found.worst[0].row, found.worst[0].truth, found.worst[0].predicted) == (1, "3, 4, 5", "1, 2, 3")
    many = seen(Amounts(), (torch.ones(2, 17), torch.zeros(2, 17)))
    assert not many.predictions
    assert "more than 16 amounts" in many.notes[0]


def test_amounts_of_millions_are_told_to_the_unit():
    told = [as_text(value) for value in (1_250_000.4, -23_456_789.0, 999_999.4, 0.1234567, 2e18, math.inf, math.nan)]
    assert told == ["1250000", "-23456789", "999999", "0.123457", "2e+18", "inf", "nan"]


@pytest.mark.parametrize(("near", "limit", "told"), [
    (999_999.7, 1e6, "1000000"), (999_999.5, 1e6, "1000000"), (999_999_999_999_999.7, 1e15, "1e+15")])
def test_an_amount_that_is_rounded_to_a_limit_is_told_as_the_limit_is(near, limit, told):
    assert as_text(near) == as_text(limit) == told
    assert as_text(-near) == as_text(-limit) == f"-{told}"
