"""Host tools of tinysense: record, label, train, convert, upload, watch."""

__version__ = "0.1.0"
