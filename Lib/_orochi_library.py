"""The embedded standard library as an entry of sys.path.

sys.path holds a folder that needn't exist on disk (sys._stdlib_dir). The path hook here recognises it and the
folders of packages below it, so that order on sys.path decides between the library and a program's own modules, as
with files. Bytecode and sources come from the native module _library. If the folder exists, modules that somebody put
there (CPython's test package, say) are found after those of the library.
"""

import sys
import _frozen_importlib as _bootstrap
import _library


def _data(path):
    root = sys._stdlib_dir + '/'
    data = _library.data(path[len(root):]) if path.startswith(root) else None
    if data is None:
        import errno
        raise OSError(errno.ENOENT, 'No such file or directory', path)
    return data


class LibraryImporter:
    """Finds and loads the modules of one folder of the embedded library."""

    def __init__(self, path):
        root = sys._stdlib_dir
        if path == root:
            self.prefix = ''
        elif root and path.startswith(root + '/'):
            package = path[len(root) + 1:].replace('/', '.')
            if _library.kind(package) != 2:
                raise ImportError('not a package of the library', path=path)
            self.prefix = package + '.'
        else:
            raise ImportError('not the embedded library', path=path)
        self.path = path
        self.files = None

    def __repr__(self):
        return f'<{type(self).__name__} object "{self.path}">'

    def find_spec(self, fullname, target=None):
        name = self.prefix + fullname.rpartition('.')[2]
        kind = _library.kind(name)
        if not kind:
            return None if self.prefix else self.find_file(fullname)
        folder = sys._stdlib_dir + '/' + name.replace('.', '/')
        path = folder + '/__init__.py' if kind == 2 else folder + '.py'
        loader = LibraryLoader(name, path)
        spec = _bootstrap.ModuleSpec(fullname, loader, origin=path, is_package=kind == 2)
        spec.has_location = True
        spec._cached = None
        if kind == 2:
            spec.submodule_search_locations.append(folder)
        return spec

    def find_file(self, fullname):
        if self.files is None:
            import _frozen_importlib_external as external
            if not external._path_isdir(self.path):
                return None
            self.files = external.FileFinder(self.path, *external._get_supported_file_loaders())
        return self.files.find_spec(fullname)

    def invalidate_caches(self):
        if self.files is not None:
            self.files.invalidate_caches()

    def get_data(self, path):
        return _data(path)

    def iter_modules(self, prefix=''):
        for name, is_package in _library.children(self.prefix.rstrip('.')):
            yield prefix + name, is_package


class LibraryLoader:
    """Loads one module of the embedded library."""

    def __init__(self, name, path):
        self.name = name
        self.path = path

    def __eq__(self, other):
        return self.__class__ is other.__class__ and self.__dict__ == other.__dict__

    def __hash__(self):
        return hash(self.name) ^ hash(self.path)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        code = _library.code(self.name, self.path)
        _bootstrap._call_with_frames_removed(exec, code, module.__dict__)

    def get_code(self, fullname):
        return _library.code(self.name, self.path)

    def get_source(self, fullname):
        return _library.source(self.name)

    def get_filename(self, fullname=None):
        return self.path

    def is_package(self, fullname):
        return _library.kind(self.name) == 2

    def get_data(self, path):
        return _data(path)


def _install():
    """Puts the hook, and that for archives, before the one for folders on disk."""
    sys.path_hooks.insert(0, LibraryImporter)
    import zipimport
    sys.path_hooks.insert(1, zipimport.zipimporter)


def unpack(folder):
    """Writes the sources of the library to a folder."""
    import os

    def write(package, folder):
        os.makedirs(folder, exist_ok=True)
        for name, is_package in _library.children(package):
            module = f'{package}.{name}' if package else name
            path = os.path.join(folder, name)
            if is_package:
                write(module, path)
            source = _library.source(module)
            if source is not None:
                with open(os.path.join(path, '__init__.py') if is_package else path + '.py', 'wb') as file:
                    file.write(source.encode() if isinstance(source, str) else source)

    write('', folder)


if __name__ == '__main__':
    # For tools that read the library's files, where `__file__` says that they are unless another folder is named.
    unpack(sys.argv[1] if len(sys.argv) > 1 else sys._stdlib_dir)
