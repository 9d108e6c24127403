first: int = 1
second: list[str]


def annotated(a: int, *, b: str = "x") -> first: ...


class Generic[T: int, *Ts = *tuple[int]]:
    field: T

    def method[U](self, u: U) -> T: ...


type Alias[K] = dict[K, int]
