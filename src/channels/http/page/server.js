// What every page of ours has in common: asking the server, whose refusal is an error with its status, and making elements,
// whose text is never markup.

export class Refused extends Error {
  constructor(status, error) {
    super(error?.message ?? 'the server does not answer');
    this.status = status;
    this.code = error?.code;
  }
}

export async function ask(path, options = {}) {
  const response = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...options });
  if (!response.ok) {
    const answer = await response.json().catch(() => ({}));
    throw new Refused(response.status, answer.error);
  }
  return response;
}

export async function call(path, options) {
  const response = await ask(path, options);
  return response.status === 204 || response.status === 202 ? null : response.json().catch(() => ({}));
}

export const json = (method, value) => ({ method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) });

export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export const moment = (at) => new Date(at).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' });
