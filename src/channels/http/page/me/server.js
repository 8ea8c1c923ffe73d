// Asking the server. What it refuses is an error with its status.

export class Refused extends Error {
  constructor(status, error) {
    super(error?.message ?? '');
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
  return response.status === 204 ? null : response.json();
}

export const json = (method, value) => ({ method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) });

export function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

export const moment = (at) => new Date(at).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' });
