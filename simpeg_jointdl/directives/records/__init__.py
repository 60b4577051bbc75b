"""Records of a run: the log and the live table."""

from ._save_log import SaveLog, read_log
from ._show_progress import ShowProgress

__all__ = ["SaveLog", "ShowProgress", "read_log"]
