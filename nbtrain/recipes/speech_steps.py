"""A step of a speech model: how far it is from the recording, and from its prior, and whether it knows where to end."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from nbtrain.core.errors import ModelError
from nbtrain.engine.batch import Batch

#: How much a step that is the last counts against one that is not: there is one of them in a sentence.
LAST = 5.0
#: Nats that each number of the latent may tell of an utterance before that is held back.
FREE = 0.25
#: Differences (in nats) from which on Huber's loss grows no faster than the difference.
EDGE = 1.0


class SpeechStep:
    """Losses by name: ``mel_loss``, ``kl_loss`` and ``stop_loss``; padding counts in none of them.

    - ``mel_loss``: mean difference of log-mel magnitudes (nats) over real frames and bands, and the mean of its square
      beside it, or with `huber` of twice Huber's loss, which is that square up to `EDGE` and a line beyond.
    - ``kl_loss``: divergence (nats) of the latent from its prior, mean over its numbers. Up to `FREE` it counts and
      does not pull, as the free bits of Kingma et al. 2016 (“Improving Variational Inference with Inverse
      Autoregressive Flow”), without which the latent is soon its prior and tells nothing. Theirs go by the mean of a
      batch; here they are of each utterance, so that a batch in pieces is the batch.
    - ``stop_loss``: cross entropy of each step being the last, mean over real steps; the last counts `LAST` times.

    Args:
        deviation: of each band, by which spectrograms were divided.
        huber: see above.
        smoothing: how far from 0 and 1 it is said whether a step is the last.
    """

    def __init__(self, deviation: list[float], *, huber: bool, smoothing: float = 0.0) -> None:
        self._deviation = torch.tensor(deviation)
        self._huber, self._smoothing = huber, smoothing

    def __call__(self, model: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Raises ModelError where the model gives something else than a `TextToMel`."""
        said = model(**batch.inputs)
        frames, truth = batch.inputs["frames"], batch.target
        group = getattr(model, "group", None)  # frames a step; of few frames it does not follow from the shapes
        try:
            mel, stop = said.mel.float(), said.stop.float()
            mean, log_variance = said.mean.float(), said.log_variance.float()
        except AttributeError as error:
            raise ModelError(
                f"{type(model).__name__} gives no {error.name!r}; a speech model gives mel, stop, attention, frames, "
                "mean and log_variance, as nbtrain.models.architectures' 'text-to-mel' does.") from None
        return {
            "mel_loss": self._mel(mel, truth, frames), "kl_loss": _divergence(mean, log_variance),
            "stop_loss": self._stop(stop, frames, group=group or -(-truth.shape[1] // stop.shape[1]))}

    def _mel(self, mel: Tensor, truth: Tensor, frames: Tensor) -> Tensor:
        if self._deviation.device != mel.device:
            self._deviation = self._deviation.to(mel.device)
        real = (torch.arange(mel.shape[1], device=mel.device) < frames[:, None]).unsqueeze(-1)
        apart = (mel - truth) * self._deviation * real
        if self._huber:
            squares = 2 * functional.huber_loss(apart, torch.zeros_like(apart), reduction="none", delta=EDGE)
        else:
            squares = apart.square()
        return (apart.abs() + squares).sum() / (frames.sum().clamp(min=1) * mel.shape[2])

    def _stop(self, stop: Tensor, frames: Tensor, group: int) -> Tensor:
        steps = torch.arange(stop.shape[1], device=stop.device)
        last = (-(-frames // group) - 1).clamp(min=0)[:, None]
        wanted = (steps == last).to(stop.dtype)
        if self._smoothing:
            wanted = wanted * (1 - self._smoothing) + self._smoothing / 2
        each = functional.binary_cross_entropy_with_logits(
            stop, wanted, pos_weight=stop.new_tensor(LAST), reduction="none")
        return (each * (steps <= last)).sum() / (last + 1).sum()


def _divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Of Gaussians from that of mean 0 and variance 1; never below 0, also in the last bits."""
    each = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    found = each.mean().clamp(min=0)
    free = each.mean(1).clamp(min=FREE).mean()
    return free + (found - free).detach()  # the value of one, the gradient of the other


def weights(config: Any) -> dict[str, float]:
    """Of the losses, as the options say."""
    return {name: config[f"{name}_weight"] for name in ("mel_loss", "kl_loss", "stop_loss")}
