"""What a notebook leaves out when it is saved: widgets, which die with their kernel.

A widget's picture is stored beside it as a static form. A saved copy keeps that alone: opened on
another day, it shows the static form and not *Error displaying widget: model not found*.
"""

from typing import Any

WIDGET = "application/vnd.jupyter.widget-view+json"


def without_widgets(model: "dict[str, Any]", **_: object) -> None:
    """Take the widgets out of a notebook that is about to be written, where more is stored beside.

    The open page keeps them: it has the notebook in its own memory. Called by Jupyter before each
    save, with the model of its contents service.
    """
    if model["type"] != "notebook" or model["content"].get("nbformat") != 4:
        return
    for cell in model["content"]["cells"]:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "text/html" in data:
                data.pop(WIDGET, None)
    model["content"]["metadata"].pop("widgets", None)


def _jupyter_server_extension_points() -> "list[dict[str, str]]":
    return [{"module": "lessons_lib.launch.saving"}]


def _load_jupyter_server_extension(server: Any) -> None:
    server.contents_manager.register_pre_save_hook(without_widgets)
