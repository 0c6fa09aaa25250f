import type { ComponentChildren } from 'preact';
import { t, type TextKey } from '../../text';

/** A part of the settings. */
export function Section({ title, children }: { title: TextKey; children: ComponentChildren }) {
  return (
    <section class="card">
      <h2>{t(title)}</h2>
      {children}
    </section>
  );
}
