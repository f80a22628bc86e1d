"""A model as a graph of tensors and ops, and what makes it plain enough to be lowered."""

from tinysense_host.graph.graph import Graph, Node, OptionValue, Quant, Tensor

__all__ = ["Graph", "Node", "OptionValue", "Quant", "Tensor"]
