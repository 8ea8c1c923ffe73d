//! How the statements of a batch are put together, so that SQLite's thread is asked rarely and always in one of
//! a few texts, which stay prepared.

use super::{
    database::Statement,
    job::{Job, Refusal},
};

/// The statements of a batch, in groups that the database gets at once, and where each comes from.
#[derive(Default)]
pub(super) struct Script {
    statements: Vec<Statement>,
    pub sources: Vec<Source>,
    /// Where each group ends.
    ends: Vec<usize>,
}

#[derive(Clone, Copy)]
pub(super) enum Source {
    /// Beginning and committing.
    Frame,
    /// A job of the batch, and what it means that its row is there already.
    Job(usize, Option<Refusal>),
    /// An audit row.
    Row,
}

impl Script {
    /// One job: everything at once, and without a transaction where it is one statement.
    pub fn of_one(job: &Job, rows: Vec<Statement>, begun: bool, begin: Statement) -> Self {
        let mut script = Self::default();
        let alone = !begun && job.steps.len() + rows.len() == 1;
        if !begun && !alone {
            script.push(begin, Source::Frame);
        }
        script.push_job(0, job);
        for row in rows {
            script.push(row, Source::Row);
        }
        if !alone {
            script.push(Statement::new("COMMIT", vec![]), Source::Frame);
        }
        script.end_group();
        script
    }

    /// Several jobs: those of one shape together, so that the same few texts come again and again.
    pub fn of_many(jobs: &[Job], rows: Vec<Statement>, begun: bool, begin: Statement) -> Self {
        let mut script = Self::default();
        if !begun {
            script.push(begin, Source::Frame);
            script.end_group();
        }
        let mut shapes: Vec<Vec<usize>> = vec![];
        for (n, job) in jobs.iter().enumerate().filter(|(_, job)| !job.steps.is_empty()) {
            match shapes.iter_mut().find(|shape| shape.first().is_some_and(|first| jobs[*first].same_shape(job))) {
                Some(shape) => shape.push(n),
                None => shapes.push(vec![n]),
            }
        }
        for shape in shapes {
            for group in halves(&shape) {
                for n in group {
                    script.push_job(*n, &jobs[*n]);
                }
                script.end_group();
            }
        }
        for group in halves(&rows) {
            for row in group {
                script.push(row.clone(), Source::Row);
            }
            script.end_group();
        }
        script.push(Statement::new("COMMIT", vec![]), Source::Frame);
        script.end_group();
        script
    }

    fn push(&mut self, statement: Statement, source: Source) {
        self.statements.push(statement);
        self.sources.push(source);
    }

    fn push_job(&mut self, n: usize, job: &Job) {
        for step in &job.steps {
            self.push(step.statement.clone(), Source::Job(n, step.duplicate));
        }
    }

    fn end_group(&mut self) {
        self.ends.push(self.statements.len());
    }

    pub fn groups(&self) -> Vec<&[Statement]> {
        let mut from = 0;
        self.ends.iter().map(|end| &self.statements[std::mem::replace(&mut from, *end)..*end]).collect()
    }
}

/// Groups of eight, four, two and one.
fn halves<T>(mut items: &[T]) -> Vec<&[T]> {
    let mut groups = vec![];
    for size in [8, 4, 2, 1] {
        while items.len() >= size {
            let (group, rest) = items.split_at(size);
            groups.push(group);
            items = rest;
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_items_comes_in_a_few_sizes() {
        for length in 0..40 {
            let items: Vec<usize> = (0..length).collect();
            let groups = halves(&items);
            assert_eq!(groups.concat(), items);
            assert!(groups.iter().all(|group| [8, 4, 2, 1].contains(&group.len())));
        }
    }
}
