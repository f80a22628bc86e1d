"""The one exception that host tools raise on purpose.

Commands show it as one line and end with status 1; anything else that
escapes is a bug and shows its traceback.
"""

__all__ = ["TinysenseError"]


class TinysenseError(Exception):
    """Something the user can mend: what was expected, what came, what to do.

    ``message`` is one line; ``hint`` the next step (may be empty).
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message
