"""The log and the live table of a run."""

from ._save_log import SaveLog, read_log
from ._show_progress import ShowProgress

__all__ = ["SaveLog", "ShowProgress", "read_log"]
