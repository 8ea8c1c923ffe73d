//! Hearing: audio in, a transcript or a typed rejection out.
