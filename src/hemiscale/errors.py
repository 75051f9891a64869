"""The errors and warnings that people see: one clear sentence each, never a traceback."""

from __future__ import annotations

__all__ = ["HemiscaleError", "HemiscaleWarning", "InputError"]


class HemiscaleError(Exception):
    """Something went wrong that is not a fault of the user's input (exit code 1).

    The message is shown as it is: say what happened, to which file, and what to do.
    """

    exit_code = 1


class InputError(HemiscaleError):
    """The user's input is wrong (exit code 2).

    Parameters
    ----------
    *problems : str
        One sentence per problem: which file, which row or column, what was expected, what to do.
        A reader collects all it finds before it raises, so that people fix a file once.
    """

    exit_code = 2

    def __init__(self, *problems: str) -> None:
        self.problems: tuple[str, ...] = tuple(_readable(problem) for problem in problems)
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type, tuple[str, ...]]:
        return type(self), self.problems  # so that it travels between processes as it is


class HemiscaleWarning(UserWarning):
    """Something the user should know about, that does not stop the work."""


def _readable(sentence: str, longest: int = 900) -> str:
    """Show what a file holds without letting it steer the terminal or fill it."""
    if len(sentence) > longest:
        sentence = f"{sentence[: longest * 2 // 3]} … {sentence[-longest // 3 :]}"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in sentence)
