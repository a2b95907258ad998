# What hardened = yes takes away on top of the profile.

# calls of 32-bit programs: with them goes socketcall, which hides the kind of a socket
architectures native

# user namespaces open much of the kernel to ordinary users. The flags of clone3 are hidden; on ENOSYS a libc falls back.
EPERM clone when arg0 & CLONE_NEWUSER
EPERM unshare when arg0 & CLONE_NEWUSER
EPERM setns when arg1 & CLONE_NEWUSER
ENOSYS ?clone3

ENOSYS ?modify_ldt ?fanotify_init ?fanotify_mark ?kcmp ?process_vm_readv ?process_vm_writev
