"""Model cards of the samples, in three languages, and the words their tokenizers know."""

# ruff: noqa: RUF001, SIM905 - Persian and Russian letters are meant; words are easier to read as text

from __future__ import annotations

WORDS = {
    "en": (
        "the a an and or not no very film movie book food place was is it this that i we they good great wonderful "
        "best love loved like liked nice bad awful terrible worst hate hated boring slow never again really story "
        "actor plot service price quality would buy watch . , ! ? '").split(),
    "fa": (
        "این آن را از به با در که و یا نه خیلی فیلم کتاب غذا جا بود است نبود نیست خوب عالی زیبا بهترین دوست داشتم بد "
        "افتضاح بدترین خسته کننده هرگز دوباره واقعا داستان بازیگر قیمت کیفیت می خرم . ، ! ؟").split(),
    "ru": (
        "это этот фильм книга еда место был была было и или не нет очень хорошо хороший отличный прекрасный лучший "
        "понравился понравилась плохо плохой ужасный худший скучно медленно никогда снова история актёр сюжет цена "
        "качество куплю смотреть . , ! ?").split(),
}

_EN = """---
license: apache-2.0
language:
- en
pipeline_tag: text-classification
library_name: transformers
datasets:
- nbtrain/reviews
tags:
- tiny
---
# Tiny BERT for reviews

A **very small** BERT that says whether a review is `positive` or `negative`. Its weights are *random*: it shows how
things work, and is [not for use](https://example.org/not-for-use).

## How to use it

```python
from transformers import pipeline

classify = pipeline("text-classification", model="nbtrain/tiny-bert-reviews")
classify("A wonderful film!")
```

## Figures

| part | reviews | accuracy |
|------|--------:|:--------:|
| training | 1,000 | 0.51 |
| test | 200 | 0.49 |

1. Read the review.
2. Guess.
   - positive, or
   - negative

> It guesses. So would you, with random weights.

---

![a picture of a guess](https://example.org/guess.png)
"""

_FA = """---
license: mit
language:
- fa
pipeline_tag: text-classification
library_name: transformers
---
# برتِ کوچک برای نظرها

مدلی **بسیار کوچک** که می‌گوید یک نظر `مثبت` است یا `منفی`. وزن‌های آن تصادفی‌اند؛ فقط نشان می‌دهد کار چگونه انجام می‌شود.

## روش استفاده

```python
from transformers import pipeline

pipeline("text-classification", model="nbtrain/tiny-bert-nazar")("این فیلم عالی بود!")
```

| بخش | تعداد | دقت |
|-----|------:|:---:|
| آموزش | ۱۰۰۰ | ۰٫۵۱ |
| آزمون | ۲۰۰ | ۰٫۴۹ |

- متن فارسی را می‌خواند
- و حدس می‌زند
"""

_RU = """---
license: mit
language:
- ru
pipeline_tag: text-classification
library_name: transformers
---
# Маленький BERT для отзывов

**Очень маленькая** модель, которая говорит, `положительный` отзыв или `отрицательный`. Веса случайные: она только
показывает, как всё устроено.

## Как пользоваться

```python
from transformers import pipeline

pipeline("text-classification", model="nbtrain/tiny-bert-otzyvy")("Отличный фильм!")
```

| часть | отзывов | точность |
|-------|--------:|:--------:|
| обучение | 1000 | 0,51 |
| проверка | 200 | 0,49 |
"""


def _short(task: str, title: str, text: str, licence: str = "apache-2.0") -> str:
    return (
        f"---\nlicense: {licence}\nlanguage:\n- en\npipeline_tag: {task}\nlibrary_name: transformers\n---\n"
        f"# {title}\n\n{text}\n")


CARDS = {
    "en": _EN, "fa": _FA, "ru": _RU,
    "gpt": _short("text-generation", "Tiny GPT-2", "It writes words, one after another, that mean nothing.", "mit"),
    "vit": _short("image-classification", "Tiny ViT for shapes", "Circles, squares and triangles, guessed."),
    "shards": _short("text-classification", "A model in two files", "Its weights come in two files and an index."),
    "pickle": _short("text-classification", "An old model", "Its weights are a pickle, as in the old days."),
    "code": _short("feature-extraction", "A model with code of its own", "Only the code beside it can build it."),
    "gated": _short("text-classification", "A gated model", "Who wants it accepts the conditions first.", "other"),
}
"""README by what it is for."""
