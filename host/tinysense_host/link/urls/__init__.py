"""Where pyserial looks for `protocol_<scheme>` of a URL; see network.register()."""
