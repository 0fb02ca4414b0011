"""Which changes of Python source count as changes of the computation."""

import ast
import hashlib

import pytest

from diffusion_classifier.operations.code.normal_form import NormalForm

SOURCE = '''
def error(x: Tensor, y, scale=0.5, *, name="l2"):
    """The error of x."""
    total = (x - y).abs() * scale  # as in equation 5
    if name not in ("l1", "l2"):
        reason = "unknown"
        raise ValueError(f"{name}: {reason}")
    print(f"{name} of {len(x)} values: {total:.3f}")
    try:
        key = f"{name!r}-{total:>{scale}}" "/end"
    except KeyError as found:
        said = str(found)
        raise ValueError(said) from None
    progress = None or Progress(len(x), "errors")
    progress.update(3, note="soon")
    assert total is not None, "no total"
    check(total, "the total")
    return {"value": total, "key": key}
'''


def text(source, printed=False):
    body = ast.parse(source).body
    return NormalForm(body, lambda n: n == "Progress", lambda n: n == "check", printed).text


def edited(old, new):
    assert SOURCE.count(old) == 1
    return SOURCE.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # as in equation 5", ""),
        ("def error(", "# a comment\n\ndef error("),
        ('"""The error of x."""', "'''Another docstring.'''"),
        ('    """The error of x."""\n', ""),
        ("(x - y).abs() * scale", "(\n        (x - y).abs()\n        * scale\n    )"),
        ('"l1", "l2"', "'l1', 'l2',"),
        ("x: Tensor", "x: np.ndarray | None"),
        ('name="l2"):', 'name: str = "l2") -> float:'),
        ("return {", "if TYPE_CHECKING:\n        import torch\n    return {"),
        ("{name}: {reason}", "found {name}, which is {reason}; correct it"),
        ('reason = "unknown"', 'reason = "not known"'),
        ("said = str(found)", 'said = f"{found}, it seems"'),
        (" values: {total:.3f}", " numbers: {total:.1f}"),
        ('"errors")', '"evaluations")'),
        ('note="soon"', 'note="later"'),
        ('"no total"', '"there is no total"'),
        ('" "/end"', '/end"'),
        ('    check(total, "the total")\n', ""),
    ],
)
def test_what_people_read_does_not_count(old, new):
    assert text(edited(old, new)) == text(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.5", "0.6"),
        ("(x - y)", "(y - x)"),
        ("scale=0.5, *, name", "scale=0.5, name"),
        ('"l1", "l2"', '"l1", "l2", "huber"'),
        ('name not in ("', 'name in ("'),
        ("raise ValueError(f", "raise KeyError(f"),
        ('raise ValueError(f"{name}: {reason}")', "pass"),
        ("{name!r}", "{name}"),
        (":>{scale}", ":<{scale}"),
        ("/end", "/start"),
        ("KeyError", "TypeError"),
        ('"value"', '"values"'),
        ("Progress(len(x)", "Progress(len(y)"),
        ("total is not None", "total is not key"),
        ("check(total", "total = check(total"),
    ],
)
def test_what_decides_numbers_counts(old, new):
    assert text(edited(old, new)) != text(SOURCE)


def test_what_a_notebook_prints_is_a_result():
    changed = edited(" values: ", " numbers: ")
    assert text(changed, printed=True) != text(SOURCE, printed=True)


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    n = {}\n    raise ValueError\nexcept ValueError:\n    use(n)",
        "try:\n    if x:\n        n = {}\n        raise ValueError\nexcept ValueError:\n    use(n)",
        "with suppress(ValueError):\n    n = {}\n    raise ValueError\nuse(n)",
        "try:\n    f()\nexcept OSError:\n    n = {}\n    raise\nfinally:\n    use(n)",
    ],
)
def test_what_survives_an_error_counts(source):
    assert text(source.format(1)) != text(source.format(2))


def test_the_text_is_the_same_under_every_python():
    """This digest was computed under 3.11, 3.12 and 3.13."""
    everything = SOURCE + (
        "class A(B, metaclass=M):\n    x: int\n    y: list = field(default_factory=list)\n"
        '    @property\n    def z(self): return f"{{{self.x=}}}{self.y!a:{8}.{2}}é\\u0378" "" f""\n'
        "async def g(*a, b, **c):\n    async with a as q: yield -1j, b'x', ..., 1e-7\n"
        "match p:\n    case {'k': [1, *rest], **more} if rest: pass\n    case A(x=0) | None: pass\n"
        "try: pass\nexcept* (A, B): pass\nglobal k\nlambda x, /, y=1: x[1:, ::2]\n"
        "[i async for i in a if i]; (n := 3); {**a, 'b': {*c}}\n"
    )
    digest = hashlib.sha256(text(everything).encode()).hexdigest()[:16]
    assert digest == "7b450e58280820da"
