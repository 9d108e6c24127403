import os.path as path, sys
from . import sibling as s
from math import *

counter = 0


def outer(a, b):
    global counter
    counter += a

    def inner():
        nonlocal b
        b = counter
        return a, b, local

    local = 1
    del a
    return inner


def unbound(flag):
    if flag:
        x = 1
    return x


class Scope:
    counter = counter
    __private = 1

    def method(self):
        return self.__private, __class__
