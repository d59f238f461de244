# What the compiler made of our rules.

# The hot path has neither exceptions nor standard containers: nothing of libstdc++ is called.
for object in src/capture/*.o; do
  [ -e "$object" ] || continue
  nm -u "$object" | awk '{print $2}' |
    grep -E '^(_ZSt|_ZNSt|_ZNKSt|__cxa_|__gxx_|_Unwind|_Zn[wa]|_Zd[la])' |
    sed "s|^|$object needs libstdc++ (no exceptions, no std containers in capture): |"
done

# Statics are constinit: a constructor would run in the postmaster, a destructor after shared memory is gone.
for object in src/*.o src/*/*.o src/*/*/*.o; do
  case $object in *'*'* | src/sqlparse/pgq.o) continue ;; esac
  nm -C "$object" 2>/dev/null | grep -E ' (_GLOBAL__sub_I_|__static_initialization_and_destruction|guard variable for)' |
    sed "s|^[0-9a-f ]*|$object has a static that is not constinit: |"
done
exit 0
