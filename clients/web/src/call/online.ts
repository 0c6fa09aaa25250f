import { signal } from '@preact/signals';

/** The device has a network, as far as the browser knows. */
export const online = signal(navigator.onLine);

for (const type of ['online', 'offline'] as const) window.addEventListener(type, () => (online.value = navigator.onLine));
