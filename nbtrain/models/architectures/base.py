"""What all architectures have: a config that is checked, plain, and enough to build the module again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor, nn

from nbtrain.core.errors import ModelError

#: Outputs of the largest last layer: more is a mistake, not a model.
MOST = 1_000_000


class Sizes(BaseModel):
    """A config: sizes taken from the data, and what may be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    outputs: int = Field(ge=1, le=MOST)


C = TypeVar("C", bound=Sizes)


class Architecture(nn.Module, Generic[C]):
    """A module that its ``config`` builds again: ``type(net)(config)``.

    A subclass says its `name`, its `kind` and its `Config`, and how sizes follow from data.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    """What its inputs are: ``tabular image series text``."""
    Config: ClassVar[type[Sizes]]

    def __init__(self, config: C) -> None:
        super().__init__()
        self._config = config

    @property
    def config(self) -> dict[str, Any]:
        """As plain JSON."""
        return self._config.model_dump(mode="json")

    @classmethod
    def checked(cls, config: Mapping[str, Any]) -> Sizes:
        """The config as values. Raises ModelError with every problem, a line each."""
        try:
            return cls.Config.model_validate(dict(config))
        except ValidationError as error:
            known = ", ".join(cls.Config.model_fields)
            lines = []
            for problem in error.errors(include_url=False):
                field = ".".join(map(str, problem["loc"]))
                if problem["type"] == "extra_forbidden":
                    lines.append(f"{cls.name} has no {field!r} in its config; there are: {known}.")
                elif problem["type"] == "missing":
                    lines.append(f"The config of {cls.name} lacks {field!r}; give it, or let it follow from the data.")
                else:
                    said = problem["msg"].replace("Input should be", "it must be").rstrip(".")
                    lines.append(f"{field} of {cls.name} is {problem['input']!r:.60}; {said[:1].lower()}{said[1:]}.")
            raise ModelError("\n".join(lines)) from None

    @classmethod
    def sizes(cls, inputs: Any) -> dict[str, Any]:
        """What of the config follows from a batch. Raises ModelError for a batch of another kind."""
        raise NotImplementedError

    @classmethod
    def example(cls, config: Any, rows: int) -> dict[str, Tensor]:
        """Inputs of the right shape, by the names of `forward`'s arguments."""
        raise NotImplementedError

    @classmethod
    def build(cls, **config: Any) -> Self:
        """A module of this config. Raises ModelError."""
        return cls(cls.checked(config))  # type: ignore[arg-type]  # checked gives this class's Config

    @classmethod
    def refuse(cls, inputs: Any, wanted: str) -> ModelError:
        """What is said to a batch of another kind."""
        shape = getattr(inputs, "shape", None)
        given = f"of shape {tuple(shape)}" if shape is not None else f"a {type(inputs).__name__}"
        return ModelError(
            f"{cls.name} takes {wanted}; the data is {given}. Choose another architecture, or reshape the data.")


def tensor_of(inputs: Any) -> Any:
    """The only tensor of a batch, where it has one; else the batch itself."""
    if isinstance(inputs, Mapping) and len(inputs) == 1:
        return next(iter(inputs.values()))
    return inputs
