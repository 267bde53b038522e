"""What `%nbtrain models` and `nbtrain models` can be asked: the actions, with their words and flags."""

from __future__ import annotations

from nbtrain.commandline.actions import Action, Topic
from nbtrain.commandline.flags import Flag

STAGES = ("none", "staging", "production", "archived")
FORMATS = ("safetensors", "onnx", "exported", "transformers")
_NAME = Flag("name", "text", example="digits")
_VERSION = Flag("version", "int", example="2")
_NOTE = Flag("note", "text", example="'the first try'")
_REVISION = Flag("revision", "text", example="main")
_TASK = Flag("task", "text", ("text-classification", "image-classification", "text-generation"),
             example="text-classification")
_CONVERT = Flag("convert", "switch", example="")
_CODE = Flag("trust_remote_code", "switch", example="")
_STAGE = Flag("stage", "choice", STAGES, example="production")

ACTIONS = (
    Action("list", ("search",), (
        _STAGE, Flag("category", "text", example="vision"), Flag("tag", "text", example="fast"), _TASK,
        Flag("sort", "choice", ("updated", "created", "name", "parameters", "bytes", "metric", "stage"),
             example="metric"),
        Flag("deleted", "switch", example="")), least=0),
    Action("search", ("search",), (
        _TASK, Flag("library", "text", ("transformers", "timm", "onnx"), example="transformers"),
        Flag("language", "text", ("en", "fa", "ru"), example="fa"),
        Flag("licence", "text", ("apache-2.0", "mit"), example="mit"),
        Flag("size", "choice", ("tiny", "small", "medium", "large"), example="small"),
        Flag("sort", "choice", ("downloads", "likes", "trending", "newest"), example="likes"),
        Flag("limit", "int", example="30")), least=0),
    Action("details", ("repository",), (_REVISION,)),
    Action("download", ("repository",), (_REVISION, _NAME, _CONVERT, _CODE)),
    Action("downloads"),
    Action("import", ("source",), (
        _NAME, Flag("model", "text", example="digits"), _CONVERT, _CODE, _NOTE)),
    Action("export", ("model", "format", "path"), (_VERSION, Flag("overwrite", "switch", example=""))),
    Action("push", ("model", "repository"), (_VERSION, Flag("public", "switch", example=""))),
    Action("register", ("run",), (
        _NAME, _STAGE, _NOTE, Flag("weights", "choice", ("best", "last"), example="best")), least=0),
    Action("versions", ("model",)),
    Action("rename", ("model", "name")),
    Action("tag", ("model", "tags"), least=1, many=True),
    Action("category", ("model", "category"), least=1),
    Action("move", ("model", "stage"), (_VERSION,)),
    Action("delete", ("model",), (_VERSION,)),
    Action("undo", ("deleted",), (_VERSION,), least=0),
    Action("verify", ("model",), (_VERSION,)),
    Action("predict", ("model", "values"), (_VERSION,), least=1, many=True),
    Action("help", ("action",), least=0),
)
TOPIC = Topic(
    "models", {action.name: action for action in ACTIONS},
    {"model": "registered", "deleted": "deleted_model", "source": "model", "run": "run", "stage": STAGES,
     "format": FORMATS})
