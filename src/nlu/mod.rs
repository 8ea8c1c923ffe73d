//! Understanding: text in, an interpretation out. Pure: no I/O.
