# The system calls of a container: seccomp = default. The manual page sysct-seccomp(5) explains the form.
#
# All that the library knows is allowed but what stands below; what it does not know, such as a call of a newer kernel, is
# answered ENOSYS, so that a libc falls back to an older one. ENOSYS also where programs are written to do without; EPERM
# where they expect to be refused.

default ENOSYS
allow *

# the kernel itself: other code, other images
ENOSYS kexec_load ?kexec_file_load init_module ?finit_module delete_module
ENOSYS ?create_module ?query_module ?get_kernel_syms

# a handle of a file is found in the whole file system, whatever is mounted
ENOSYS open_by_handle_at

# keyrings are not namespaced; container runtimes do without on ENOSYS
ENOSYS add_key request_key keyctl

# large attack surfaces with a way around: io_uring also escapes filters of arguments
ENOSYS ?userfaultfd ?io_uring_setup ?io_uring_enter ?io_uring_register

# long gone, or nobody's need
ENOSYS ?nfsservctl ?lookup_dcookie ?uselib ?ustat ?sysfs ?_sysctl ?vm86 ?vm86old ?bdflush

# of the whole host
EPERM bpf perf_event_open ?iopl ?ioperm swapon swapoff acct quotactl ?quotactl_fd
EPERM settimeofday ?stime clock_settime ?clock_settime64
EPERM umount2 when arg1 & MNT_FORCE

# input pushed into a terminal
EPERM ioctl when arg1 = TIOCSTI
EPERM ioctl when arg1 = TIOCLINUX

# kinds of sockets that know no namespace, or that are there for very few. The 32-bit call socketcall hides its arguments
# from every filter.
EAFNOSUPPORT socket when arg0 not in AF_UNSPEC AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET
EAFNOSUPPORT socketpair when arg0 not in AF_UNSPEC AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET
EAFNOSUPPORT socket when arg0 = AF_NETLINK and arg2 = NETLINK_AUDIT
