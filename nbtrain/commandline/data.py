"""What `%nbtrain data` and `nbtrain data` can be asked: the actions, with their words and flags."""

from __future__ import annotations

from nbtrain.commandline.actions import Action, Topic
from nbtrain.commandline.flags import Flag

_METHODS = ("random", "stratified", "group", "time", "column", "kfold")
_NAME = Flag("name", "text", example="reviews")
_TARGET = Flag("target", "text", example="label")
_GROUP = Flag("group", "text", example="patient")
_TIME = Flag("time", "text", example="date")
#: How files are read, as `ReadOptions` has it, and what the Hub and folders of media take.
_READING = (
    Flag("format", "choice", ("csv", "tsv", "json", "jsonl", "text", "parquet", "arrow"), example="csv"),
    Flag("delimiter", "text", example="';'"), Flag("header", "bool"), Flag("quote", "text", example="'\"'"),
    Flag("encoding", "text", ("utf-8", "cp1256", "cp1251", "utf-16"), example="cp1256"),
    Flag("date_order", "choice", ("dmy", "mdy", "ymd"), example="dmy"),
    Flag("lines", "choice", ("lines", "paragraphs"), example="paragraphs"),
    Flag("on_error", "choice", ("raise", "skip"), example="skip"),
    Flag("config", "text", example="en"), Flag("split", "text", example="train"),
    Flag("revision", "text", example="main"), Flag("labels", "text", example="labels.csv"),
)
_SPLITTING = (
    Flag("method", "choice", _METHODS, example="stratified"),
    Flag("train", "float", example="0.8"), Flag("validation", "float", example="0.1"),
    Flag("test", "float", example="0.1"), Flag("seed", "int", example="0"), _TARGET, _GROUP, _TIME,
    Flag("key", "names", example="id"), Flag("gap", "text", example="7d"), Flag("column", "text", example="part"),
    Flag("folds", "int", example="5"), Flag("fold", "int", example="0"),
    Flag("duplicates", "choice", ("together", "apart"), example="apart"),
)

ACTIONS = (
    Action("list", flags=(Flag("deleted", "switch", example=""),)),
    Action("import", ("source",), (_NAME, *_READING)),
    Action("preview", ("dataset",), (Flag("rows", "int", example="10"),)),
    Action("profile", ("dataset",), (_TARGET,)),
    Action("split", ("dataset",), _SPLITTING),
    Action("quality", ("dataset",), (_TARGET, _GROUP, _TIME)),
    Action("process", ("dataset",), (
        Flag("steps", "text", example="'whitespace, scale(method=robust)'"),
        Flag("recipe", "file", example="recipe.json"), _TARGET, _NAME)),
    Action("rename", ("dataset", "name")),
    Action("delete", ("dataset",)),
    Action("undo", ("deleted",), least=0),
    Action("export", ("dataset", "path"), (
        Flag("overwrite", "switch", example=""),
        Flag("formulas", "choice", ("keep", "escape"), example="escape"))),
    Action("help", ("action",), least=0),
)
TOPIC = Topic(
    "data", {action.name: action for action in ACTIONS},
    {"dataset": "dataset", "deleted": "deleted", "source": "data"})
