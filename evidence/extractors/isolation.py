"""Gives a process up to hostile bytes: afterwards it can compute, read what is open, and answer.

Four layers, each by itself: resource limits, no new privileges, Landlock (no file, no TCP, no
signal outwards), and a seccomp filter (no opening, no network, no new process, no exec).  A kernel
without one of them leaves the others; ``confine`` returns the level really in force and the record
names it.

Hand-made system calls, because the bindings need either a compiler or a writable temporary folder.
"""

from __future__ import annotations

import ctypes
import platform
import resource
import signal
import struct
import sys

# prctl(2) options
_PDEATHSIG, _DUMPABLE, _SECCOMP, _NO_NEW_PRIVS = 1, 4, 22, 38
# landlock(7): the numbers are the same on every architecture
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446
# seccomp(2): classic BPF
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_CLONE_THREAD = 0x00010000
_X32 = 0x40000000  # x86-64's second table of calls begins here

#: AUDIT_ARCH_* and the place of each refused call: x86-64 and aarch64, -1 where there is none.
_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_CLONE = (56, 220)
_CLONE3 = (435, 435)
_REFUSED: dict[str, tuple[int, int]] = {
    # network
    "socket": (41, 198),
    "connect": (42, 203),
    "accept": (43, 202),
    "accept4": (288, 242),
    "bind": (49, 200),
    "listen": (50, 201),
    "socketpair": (53, 199),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    # processes
    "fork": (57, -1),
    "vfork": (58, -1),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438),
    "prlimit64": (302, 261),
    "setpriority": (141, 140),
    "setns": (308, 268),
    "unshare": (272, 97),
    # files
    "open": (2, -1),
    "openat": (257, 56),
    "openat2": (437, 437),
    "creat": (85, -1),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "readlink": (89, -1),
    "readlinkat": (267, 78),
    "truncate": (76, 45),
    "rename": (82, -1),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "mkdir": (83, -1),
    "mkdirat": (258, 34),
    "rmdir": (84, -1),
    "link": (86, -1),
    "linkat": (265, 37),
    "symlink": (88, -1),
    "symlinkat": (266, 36),
    "unlink": (87, -1),
    "unlinkat": (263, 35),
    "mknod": (133, -1),
    "mknodat": (259, 33),
    "chmod": (90, -1),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "chown": (92, -1),
    "fchown": (93, 55),
    "lchown": (94, -1),
    "fchownat": (260, 54),
    "utime": (132, -1),
    "utimes": (235, -1),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "chroot": (161, 51),
    "pivot_root": (155, 41),
    "mount": (165, 40),
    "umount2": (166, 39),
    # memory that RLIMIT_AS doesn't count, and memory shared with others
    "memfd_create": (319, 279),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    # the kernel itself
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
}


def confine(*, cpu_seconds: int, memory_bytes: int, output_bytes: int) -> str:
    """Give up everything but computing; return the level in force, such as ``landlock7+seccomp``.

    MUST run in a process of its own that has one thread, before the first hostile byte is read.
    """
    layers = []
    _limit(cpu_seconds=cpu_seconds, memory_bytes=memory_bytes, output_bytes=output_bytes)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.syscall.restype = ctypes.c_long
        libc.prctl(_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
        libc.prctl(_DUMPABLE, ctypes.c_ulong(0), 0, 0, 0)
        if libc.prctl(_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0) == 0:
            version = _close_files(libc)
            if version:
                layers.append(f"landlock{version}")
            if _close_calls(libc):
                layers.append("seccomp")
    return "+".join([*layers, "rlimits"])


def _limit(*, cpu_seconds: int, memory_bytes: int, output_bytes: int) -> None:
    for kind, soft, hard in (
        # The soft limit's signal names the cause; the hard one ends a process that ignores it.
        (resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1),
        (resource.RLIMIT_AS, memory_bytes, memory_bytes),
        (resource.RLIMIT_FSIZE, output_bytes, output_bytes),
        (resource.RLIMIT_NOFILE, 32, 32),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(kind, (soft, hard))


def _close_files(libc: ctypes.CDLL) -> int:
    """Apply a Landlock rule set that allows nothing; return its version, 0 where there is none."""
    version: int = libc.syscall(
        ctypes.c_long(_LANDLOCK_CREATE), None, ctypes.c_size_t(0), ctypes.c_uint(1)
    )
    if version < 1:
        return 0
    files = (1 << 13) - 1
    files |= (1 << 13) if version >= 2 else 0  # move between folders
    files |= (1 << 14) if version >= 3 else 0  # truncate
    files |= (1 << 15) if version >= 5 else 0  # device ioctl
    network = 3 if version >= 4 else 0  # bind and connect of TCP
    scope = 3 if version >= 6 else 0  # abstract sockets and signals
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    handled = ctypes.create_string_buffer(struct.pack("<QQQ", files, network, scope)[:size], size)
    rules: int = libc.syscall(
        ctypes.c_long(_LANDLOCK_CREATE), handled, ctypes.c_size_t(size), ctypes.c_uint(0)
    )
    if rules < 0:
        return 0
    refused: int = libc.syscall(
        ctypes.c_long(_LANDLOCK_RESTRICT), ctypes.c_int(rules), ctypes.c_uint(0)
    )
    libc.close(rules)
    return 0 if refused else version


def _close_calls(libc: ctypes.CDLL) -> bool:
    """Apply the seccomp filter; return whether the kernel took it."""
    program = _program(platform.machine())
    if program is None:
        return False
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    pointer = ctypes.create_string_buffer(header, len(header))
    taken: int = libc.prctl(_SECCOMP, ctypes.c_ulong(2), pointer, 0, 0)
    return taken == 0


def _program(machine: str) -> bytes | None:
    if machine not in _ARCHITECTURES:
        return None
    architecture, column = _ARCHITECTURES[machine]

    def step(code: int, operand: int, *, then: int = 0, otherwise: int = 0) -> bytes:
        return struct.pack("<HBBI", code, then, otherwise, operand)

    allow, refuse = step(_RETURN, _ALLOW), step(_RETURN, _ERRNO | _EPERM)
    steps = [
        step(_LOAD, 4),  # seccomp_data.arch
        step(_EQUAL, architecture, then=1),
        step(_RETURN, _KILL),
        step(_LOAD, 0),  # seccomp_data.nr
    ]
    if machine == "x86_64":
        steps += [step(_AT_LEAST, _X32, otherwise=1), refuse]
    for numbers in _REFUSED.values():
        if numbers[column] >= 0:
            steps += [step(_EQUAL, numbers[column], otherwise=1), refuse]
    steps += [
        # clone3 hides its flags behind a pointer: "no such call" makes the C library use clone.
        step(_EQUAL, _CLONE3[column], otherwise=1),
        step(_RETURN, _ERRNO | _ENOSYS),
        step(_EQUAL, _CLONE[column], otherwise=3),
        step(_LOAD, 16),  # seccomp_data.args[0]
        step(_ANY_BIT, _CLONE_THREAD, then=1),
        refuse,
        allow,
    ]
    return b"".join(steps)
