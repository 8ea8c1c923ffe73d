//! All SQL, and the encryption around it.
