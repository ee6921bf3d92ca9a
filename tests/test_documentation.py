"""Public fields are documented in the one form that documentation tools (griffe, Sphinx) read: a string below each."""

import ast
import inspect
import textwrap
from importlib import import_module
from itertools import zip_longest

import pytest

from tests.modules import PACKAGES, ROOT, files_of, module_of, package_of, waits_for_package

# transformers documents it: the class is mixed into a configuration that has it.
ELSEWHERE = {"StageConfig.use_cpu"}


def is_text(node):
    """Whether a statement is a string literal and nothing else."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def is_key(node):
    """Whether a field is made by ``training.arguments.option``, whose second argument ``--help`` prints."""
    made = node.value
    return isinstance(made, ast.Call) and getattr(made.func, "id", "") == "option" and len(made.args) == 2


def assigned(statements, written):
    """(name, line, whether it is documented) of each public name among those that ``written`` finds in a target."""
    for node, following in zip_longest(statements, statements[1:]):
        for target in targets_of(node):
            for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                name = written(part)
                if name and not name.startswith("_"):
                    # Tools read no string below an assignment to several names.
                    yield name, node.lineno, (part is target and is_text(following)) or is_key(node)


def targets_of(node):
    """What a statement assigns to."""
    if isinstance(node, ast.AnnAssign):
        return [node.target]
    return node.targets if isinstance(node, ast.Assign) else []


def fields_of(definition):
    """Those of a class: of its body, its properties, and what its methods set on ``self``."""
    yield from assigned(definition.body, lambda part: getattr(part, "id", ""))
    for node in ast.walk(definition):
        if isinstance(node, ast.FunctionDef) and any("property" in ast.unparse(each) for each in node.decorator_list):
            yield from [(node.name, node.lineno, ast.get_docstring(node))] if not node.name.startswith("_") else []
        for block in (getattr(node, name, []) for name in ("body", "orelse")):
            if isinstance(block, list) and node is not definition:
                yield from assigned(block, lambda part: part.attr if is_own(part) else "")


def is_own(part):
    """Whether this is an attribute of ``self``."""
    return isinstance(part, ast.Attribute) and getattr(part.value, "id", "") == "self"


def constructor_of(definition):
    """The names of the parameters of a class."""
    for node in definition.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}
    return set()


def classes_of(path):
    """Each public class of a file as it is written, by name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")}


def undocumented(path):
    """Where a file has a public field without documentation."""
    for class_name, definition in classes_of(path).items():
        parents = getattr(import_module(module_of(path)), class_name).__mro__[1:]
        known = {name for name, _, documented in fields_of(definition) if documented} | constructor_of(definition)
        for parent in parents:
            above = source_of(parent)
            if package_of(parent.__module__) in PACKAGES:
                known |= {name for name, _, documented in fields_of(above) if documented} | constructor_of(above)
            else:
                known |= set(vars(parent)) | set(vars(parent).get("__annotations__", {}))
                known |= {name for name, _, _ in fields_of(above)}
        for name, line, _ in fields_of(definition):
            if name not in known and f"{class_name}.{name}" not in ELSEWHERE:
                yield f"{path.relative_to(ROOT)}:{line} {class_name}.{name}"


def source_of(parent):
    """A class as it is written; an empty one where there is no source, as of those written in C."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(parent))).body[0]
    except (OSError, TypeError):
        return ast.parse("class Empty: ...").body[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_field_is_documented_in_a_string_below_it(package):
    files = files_of(package)
    assert files
    assert [place for path in files if not waits_for_package(path) for place in undocumented(path)] == []
