//! A person's health records.
