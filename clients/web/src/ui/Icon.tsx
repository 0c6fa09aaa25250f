const paths = {
  back: 'M15 5l-7 7 7 7',
  send: 'M4 12l16-8-5 16-3-7z',
  attach: 'M20 11.5l-8 8a5 5 0 0 1-7-7l8.5-8.5a3.4 3.4 0 0 1 4.8 4.8L10 17a1.7 1.7 0 0 1-2.4-2.4L15 7',
  phone: 'M6 3h3l2 5-2.5 1.7a12 12 0 0 0 5.8 5.8L16 13l5 2v3a3 3 0 0 1-3 3A15 15 0 0 1 3 6a3 3 0 0 1 3-3z',
  camera: 'M3 7h12v10H3zM15 11l6-3.5v9L15 13',
  cameraOff: 'M3 3l18 18M9 7h6v6m0 4H3V7h2M15 11l6-3.5v9',
  microphone: 'M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM6 11a6 6 0 0 0 12 0M12 17v4',
  microphoneOff: 'M3 3l18 18M9 9v2a3 3 0 0 0 5 2.2M15 10V6a3 3 0 0 0-5.8-1M6 11a6 6 0 0 0 9.5 4.9M18 11a6 6 0 0 1-.4 2M12 17v4',
  screen: 'M3 4h18v12H3zM8 20h8M12 16v4M12 13V7M9.5 9.5L12 7l2.5 2.5',
  screenOff: 'M3 4h18v12H3zM8 20h8M12 16v4M9.5 7.5l5 5M14.5 7.5l-5 5',
  pin: 'M9 3h6l-1 6 4 4v2H6v-2l4-4zM12 15v6',
  grid: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z',
  speakerView: 'M3 5h18v9H3zM3 17h5v3H3zM10 17h5v3h-5zM17 17h4v3h-4z',
  pip: 'M3 5h18v14H3zM12 12h7v5h-7z',
  bars: 'M5 20v-5M12 20V10M19 20V4',
  hangUp: 'M6 3h3l2 5-2.5 1.7a12 12 0 0 0 5.8 5.8L16 13l5 2v3a3 3 0 0 1-3 3A15 15 0 0 1 3 6a3 3 0 0 1 3-3z',
  people: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14a6.5 6.5 0 0 1 3.5 6',
  newGroup: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M19 8v6M16 11h6',
  logOut: 'M14 4H5v16h9M10 12h11M17.5 8.5L21 12l-3.5 3.5',
  find: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5L20 20',
  close: 'M6 6l12 12M18 6L6 18',
  file: 'M6 3h8l4 4v14H6zM14 3v4h4',
  fileGone: 'M6 3h8l4 4v14H6zM14 3v4h4M9 12l6 6M15 12l-6 6',
  download: 'M12 4v11M7 10.5l5 5 5-5M5 20h14',
  forward: 'M9 5l7 7-7 7',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  retry: 'M20 12a8 8 0 1 1-2.6-5.9M20 3v4.5h-4.5',
  picture: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01',
  down: 'M12 5v14M6 13l6 6 6-6',
  chat: 'M4 5h16v11h-9l-4 4v-4H4z',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  reply: 'M9 6L3.5 11.5 9 17M4 11.5h9a7 7 0 0 1 7 7',
  edit: 'M4 20l1-4.5L16.5 4 20 7.5 8.5 19zM14 6.5l3.5 3.5',
  copy: 'M8 8h12v12H8zM16 8V4H4v12h4',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  smile: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.5 14a4.5 4.5 0 0 0 7 0M9 9.5h.01M15 9.5h.01',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5.5M12 7.8h.01',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM9 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
  play: 'M8 5l11 7-11 7z',
  pause: 'M8 5v14M16 5v14',
  check: 'M5 13l4.5 4.5L19 7',
  checks: 'M2 13l4.5 4.5L15 8M12 16l1.5 1.5L22 8',
  search: 'M4 6h16M4 12h6M4 18h6M15.5 17a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM18 16.5l3 3',
  at: 'M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM16 8v5.5a2.5 2.5 0 0 0 5 0V12a9 9 0 1 0-3.5 7.1',
  sound: 'M4 9v6h4l5 4V5L8 9zM16.5 8.5a5 5 0 0 1 0 7M19 6a8.5 8.5 0 0 1 0 12',
};

/** The names of the icons. */
export type IconName = keyof typeof paths;

/** A line drawing; what it means is said by the element around it. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} transform={name === 'hangUp' ? 'rotate(135 12 12)' : undefined} />
    </svg>
  );
}
