import type { Message } from './codec';

/** Why a request was not done. `stat` is the server's, or 0 where none answered: then it is unknown whether it was done. */
export class Failure extends Error {
  constructor(
    readonly stat: number,
    reason: string,
    /** Seconds to wait before trying again; 0 where the server named none. */
    readonly retryAfter = 0,
  ) {
    super(reason);
    this.name = 'Failure';
  }
}

/** The answer of a failed request as a Failure. */
export function failureOf(answer: Message): Failure {
  return new Failure(Number(answer.stat), answer.reason ?? '', Number(answer.retry_after ?? 0) || 0);
}

/** The stat of whatever was thrown; 0 for what did not come from the server. */
export function statOf(error: unknown): number {
  return error instanceof Failure ? error.stat : 0;
}
