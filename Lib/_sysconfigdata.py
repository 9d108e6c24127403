"""What sysconfig knows of how Orochi was built: nothing is compiled against it, so there is little to know."""

import sys

build_time_vars = {
    'prefix': sys.base_prefix,
    'exec_prefix': sys.base_exec_prefix,
    'Py_GIL_DISABLED': 1,
    'Py_DEBUG': 0,
    'WITH_PYMALLOC': 0,
    'SIZEOF_VOID_P': 8 if sys.maxsize > 2**32 else 4,
    'MULTIARCH': getattr(sys.implementation, '_multiarch', ''),
    'SOABI': sys.implementation.cache_tag,
    'EXT_SUFFIX': f'.{sys.implementation.cache_tag}.so',
    'SHLIB_SUFFIX': '.so',
    'VERSION': f'{sys.version_info.major}.{sys.version_info.minor}',
    'CONFIG_ARGS': '',
}
