"""The vector spaces of arrays, under autograd's path."""

from .._impl.spaces.vector_spaces import ArrayVSpace, ComplexArrayVSpace, ContainerVSpace

# Results of linear algebra are named tuples, and so containers as any other.
EigResultVSpace = EighResultVSpace = QRResultVSpace = ContainerVSpace
SlogdetResultVSpace = SVDResultVSpace = ContainerVSpace

__all__ = [
    "ArrayVSpace",
    "ComplexArrayVSpace",
    "EigResultVSpace",
    "EighResultVSpace",
    "QRResultVSpace",
    "SVDResultVSpace",
    "SlogdetResultVSpace",
]
