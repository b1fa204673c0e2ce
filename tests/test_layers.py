"""The import table: which layer may import what. Proven from the source text of every module."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OS_MODULES = {"asyncio", "socket", "os", "time", "random", "logging", "threading", "subprocess", "select"}

# layer: (prefixes of our own modules that it may import, modules that it must never import)
LAYERS: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "engine.errors": ((), OS_MODULES),
    "engine.messages": (
        ("engine.messages", "engine.config.model", "engine.config.diagnostic"),
        OS_MODULES | {"textual", "rich"},
    ),
    "engine.codes": (("engine.codes",), OS_MODULES | {"textual", "rich"}),
    "engine.config": (
        ("engine.config", "engine.messages", "engine.errors", "engine.codes"),
        OS_MODULES | {"textual", "rich", "pyroute2", "scapy"},
    ),
    "engine.protocol": (
        ("engine.protocol", "engine.messages", "engine.errors", "engine.config.model", "engine.codes"),
        OS_MODULES | {"textual", "rich", "pyroute2", "scapy"},
    ),
    "engine.diagnosis": (
        (
            "engine.diagnosis",
            "engine.messages",
            "engine.errors",
            "engine.config.model",
            "engine.protocol.packet",
            "engine.codes",
        ),
        OS_MODULES | {"textual", "rich", "pyroute2", "scapy"},
    ),
    "engine.simulation": (
        ("engine.simulation", "engine.protocol", "engine.messages", "engine.errors", "engine.config.model"),
        (OS_MODULES - {"random"}) | {"textual", "rich", "pyroute2", "scapy"},
    ),
    "engine.vrrp": (
        ("engine.vrrp", "engine.protocol", "engine.config", "engine.messages", "engine.errors", "engine.wire"),
        {"textual", "rich", "hatui", "asyncio", "scapy"},
    ),
    "engine.check": (
        ("engine.check", "engine.config", "engine.messages", "engine.errors", "engine.wire", "engine.programs"),
        {"textual", "rich", "hatui", "scapy"},
    ),
    "engine.core": (
        (
            "engine.core",
            "engine.config",
            "engine.protocol",
            "engine.simulation",
            "engine.diagnosis",
            "engine.messages",
            "engine.errors",
            "engine.wire",
            "engine.codes",
            "engine.programs",
            "engine.probe",
        ),
        {"textual", "rich", "hatui"},
    ),
    "hatui.store": (("hatui.store", "engine.messages"), {"textual", "asyncio"}),
    "hatui.text": (("hatui.text", "engine.messages", "engine.codes"), {"textual", "asyncio"}),
    "hatui.keys": (("hatui.keys", "hatui.keytable", "engine.messages"), {"textual", "asyncio"}),
    "hatui.keytable": (("hatui.keytable",), {"textual", "asyncio"}),
    "hatui.screens": (
        ("hatui", "engine.config", "engine.protocol.packet", "engine.messages", "engine.errors", "engine.codes"),
        {"pyroute2", "scapy"},
    ),
    "hatui.widgets": (
        ("hatui", "engine.config", "engine.protocol.packet", "engine.messages", "engine.errors", "engine.codes"),
        {"pyroute2", "scapy"},
    ),
}
WIDGETS_NEVER = {"hatui.link", "hatui.store", "engine.client", "hatui.app"}
WIDGETS_NEVER |= {"os", "io", "pathlib", "tempfile", "shutil", "hatui.kept", "hatui.saving", "hatui.outside"}
"""No link, no store, no file."""
ANYWHERE = ("engine", "engine.VERSION", "hatui")


def modules() -> list[tuple[str, Path]]:
    found = []
    for package in ("engine", "hatui"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found.append((name.removesuffix(".__init__"), path))
    return found


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for node in ast.walk(block)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            names.add("relative import")
    return names


def within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def layer_of(module: str) -> str | None:
    return max((layer for layer in LAYERS if within(module, (layer,))), key=len, default=None)


@pytest.mark.parametrize(("module", "path"), modules(), ids=[name for name, _ in modules()])
def test_module_imports_only_what_its_layer_may(module: str, path: Path) -> None:
    names = imports(path)
    assert "relative import" not in names, "write imports absolute: they are searched for"
    layer = layer_of(module)
    if layer is None:
        return
    allowed, never = LAYERS[layer]
    ours = {name for name in names if within(name, ("engine", "hatui")) and name not in ANYWHERE}
    wrong = {name for name in ours if not within(name, allowed)}
    wrong |= {name for name in names if within(name, tuple(never))}
    if layer == "hatui.widgets":
        wrong |= {name for name in names if within(name, tuple(WIDGETS_NEVER))}
    assert not wrong, f"{module} (layer {layer}) imports {sorted(wrong)}"


def test_no_widget_opens_a_file() -> None:
    called = {
        name: node.lineno
        for name, path in modules()
        if within(name, ("hatui.widgets",))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open"
    }
    assert called == {}


def test_engine_never_loads_scapy_or_textual_at_start() -> None:
    whole = "engine.cli, engine.core.engine, engine.core.loading, engine.check.process, engine.vrrp.loop"
    assert loaded(whole, ("scapy", "textual", "rich", "hatui")) == "[]"


def test_what_all_processes_share_is_what_all_of_them_need() -> None:
    """The fork server's memory is the memory of its children: core's part and asyncio stay out of it."""
    assert loaded("engine.cli, engine.vrrp.loop", ("asyncio", "ssl", "sqlite3", "engine.core.engine")) == "[]"


def loaded(imported: str, names: tuple[str, ...]) -> str:
    """Which of these modules a fresh Python has after an import."""
    code = f"import sys, {imported}; print([one for one in {names} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    return done.stdout.strip()


def test_modules_stay_below_600_lines() -> None:
    long = {name: len(path.read_text().splitlines()) for name, path in modules()}
    assert {name: lines for name, lines in long.items() if lines > 600} == {}


def test_screens_stay_below_300_lines() -> None:
    long = {name: len(path.read_text().splitlines()) for name, path in modules() if ".screens." in name}
    assert {name: lines for name, lines in long.items() if lines > 300} == {}
