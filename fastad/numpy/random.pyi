# Written by .ci/make_stubs.py.
from typing import Any

from numpy.random import *
