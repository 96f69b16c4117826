//! The limits: programs that do no more than what cannot be left out. Each runs in a process of its own, as hidden
//! commands of this program do.
