"""Points as heatmaps and back: bells, the loss, and where a peak is between the pixels."""

from __future__ import annotations

import pytest
import torch

from nbtrain.models import architectures
from nbtrain.models.architectures import heatmaps

SIZE, IMAGE = (24, 32), (96, 128)


@pytest.fixture
def points():
    torch.manual_seed(0)
    return torch.rand(3, 5, 2) * torch.tensor([127.0, 95.0])


def test_a_bell_has_its_height_and_width(points):
    maps = heatmaps.gaussians(torch.tensor([[[10.0, 5.0]]]), SIZE, 2.0)
    assert maps.shape == (1, 1, *SIZE)
    assert maps[0, 0, 5, 10] == 1.0
    assert maps[0, 0, 7, 10].item() == pytest.approx(torch.tensor(-0.5).exp().item())
    assert maps[0, 0, 5, 12] == maps[0, 0, 7, 10] == maps[0, 0, 3, 10]


def test_pixels_of_a_map_and_of_its_image_are_told_by_their_centres(points):
    corner = torch.tensor([[-0.5, -0.5], [127.5, 95.5]])
    assert torch.equal(heatmaps.to_map(corner, SIZE, IMAGE), torch.tensor([[-0.5, -0.5], [31.5, 23.5]]))
    there = heatmaps.to_map(points, SIZE, IMAGE)
    torch.testing.assert_close(heatmaps.to_image(there, SIZE, IMAGE), points)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
def test_a_point_between_the_pixels_is_found_again(points, sigma):
    inside = 12 + points / torch.tensor([127.0, 95.0]) * torch.tensor([70.0, 60.0])  # away from the edges
    there = heatmaps.to_map(inside, (64, 64), (128, 128)) / 1.5 + 10
    maps = heatmaps.gaussians(there, (64, 64), sigma).clamp_min(1e-30).log()
    found = heatmaps.points_of(maps, reach=round(3 * sigma))
    assert (found - there).abs().max() < 0.06


def test_at_the_edge_of_a_map_the_mean_is_not_drawn_inwards():
    maps = heatmaps.gaussians(torch.tensor([[[0.0, 12.0], [31.0, 23.0]]]), SIZE, 2.0).clamp_min(1e-30).log()
    torch.testing.assert_close(heatmaps.points_of(maps), torch.tensor([[[0.0, 12.0], [31.0, 23.0]]]), atol=1e-3, rtol=0)


def test_a_second_peak_far_away_does_not_move_the_first():
    maps = heatmaps.gaussians(torch.tensor([[[6.0, 6.0]]]), SIZE, 1.5)
    maps = (maps + 0.9 * heatmaps.gaussians(torch.tensor([[[25.0, 18.0]]]), SIZE, 1.5)).clamp_min(1e-30).log()
    torch.testing.assert_close(heatmaps.points_of(maps), torch.tensor([[[6.0, 6.0]]]), atol=0.05, rtol=0)


def test_the_loss_is_least_where_maps_are_the_bells_and_unseen_points_count_for_nothing(points):
    target = heatmaps.gaussians(heatmaps.to_map(points, SIZE, IMAGE), SIZE, 2.0)
    seen = torch.ones(3, 5, dtype=torch.bool)
    right = target.clamp_min(1e-30).log()
    least = heatmaps.cross_entropy(right, target, seen)
    assert least < heatmaps.cross_entropy(right.roll(3, -1), target, seen)
    seen[:, 2] = False
    spoilt = right.clone()
    spoilt[:, 2] = torch.randn(3, *SIZE)
    assert torch.equal(heatmaps.cross_entropy(spoilt, target, seen), heatmaps.cross_entropy(right, target, seen))
    nothing = torch.randn(3, 5, *SIZE, requires_grad=True)
    heatmaps.cross_entropy(nothing, target, torch.zeros(3, 5, dtype=torch.bool)).backward()
    assert nothing.grad is not None
    assert not nothing.grad.any()


def test_given_frames_the_network_gives_points_of_the_images_as_they_were():
    torch.manual_seed(0)
    net = architectures.build("hrnet", outputs=4, channels=1, width=4, blocks=1, exchanges=[1]).eval()
    x = torch.randn(2, 1, 64, 64)
    frame = torch.tensor([[0.5, 0.0, 8.0], [2.0, 0.0, 0.0]])
    with torch.no_grad():
        maps, points = net(x), net(x, frame)
    assert maps.shape == (2, 4, 16, 16)
    inside = heatmaps.to_image(heatmaps.points_of(maps), (16, 16), (64, 64))
    torch.testing.assert_close((points[0] + 0.5) * 0.5 + torch.tensor([0.0, 8.0]) - 0.5, inside[0])
    torch.testing.assert_close((points[1] + 0.5) * 2 - 0.5, inside[1])


def test_the_network_is_small_enough_for_large_images():
    net = architectures.build("hrnet", outputs=19, channels=1)
    assert sum(each.numel() for each in net.parameters()) < 1e6
    with torch.device("meta"):
        large = architectures.build("hrnet", outputs=19, channels=1)
        assert large(torch.zeros(1, 1, 1024, 1024)).shape == (1, 19, 256, 256)
