import type { Both } from '../both';

/** Why no media flows in a call, and what to do about it, in both languages. */
export const trouble = {
  trouble_unanswered: ['The server does not set the call up', '服务器没有建立通话'],
  trouble_unanswered_do: ['Leave the call and join again. If that does not help, tell whoever runs the server.', '请离开后重新加入。如果仍不行，请告知服务器管理员。'],
  trouble_browser: ['The browser keeps calls off the network', '浏览器不允许通话使用网络'],
  trouble_browser_do: [
    'An extension, a VPN or a rule of your organisation blocks WebRTC. Turn it off or use another browser, then join again.',
    '扩展程序、VPN 或单位策略阻止了 WebRTC。请将其关闭或换一个浏览器，然后重新加入。',
  ],
  trouble_addresses: ['The server cannot be reached for calls from here', '从这里无法连接服务器的通话地址'],
  trouble_addresses_do: [
    'It offers only addresses inside its own network: {addresses}. Ask whoever runs it to start it with --public-ip and to open UDP {udp} (container: -p {udp}:{udp}/udp).',
    '它只提供了内网地址：{addresses}。请告知服务器管理员：启动时加上 --public-ip，并开放 UDP {udp} 端口（容器：-p {udp}:{udp}/udp）。',
  ],
  'trouble_relay-full': ['This network blocks calls, and the server’s relay is full', '当前网络阻止通话，服务器的中继已满'],
  'trouble_relay-full_do': [
    'Try another network, such as mobile data, or wait a little. Whoever runs the server can raise --relay-allocations (error {code}).',
    '请换一个网络（如手机流量），或稍等片刻。服务器管理员可调高 --relay-allocations（错误 {code}）。',
  ],
  'trouble_relay-refused': ['This network blocks calls, and the server’s relay refused', '当前网络阻止通话，服务器的中继拒绝了连接'],
  'trouble_relay-refused_do': [
    'Try another network, such as mobile data, or join again. If it stays, tell whoever runs the server (error {code}).',
    '请换一个网络（如手机流量），或重新加入。如果仍不行，请告知服务器管理员（错误 {code}）。',
  ],
  'trouble_no-relay': ['This network blocks calls, and the server has no relay', '当前网络阻止通话，服务器也没有中继'],
  'trouble_no-relay_do': [
    'Try another network, such as mobile data. Or ask whoever runs this network to allow UDP {udp} to {host}, or whoever runs the server to start it with --relay inside.',
    '请换一个网络（如手机流量）；或请网络管理员放行到 {host} 的 UDP {udp}，或请服务器管理员启用 --relay inside。',
  ],
  trouble_network: ['This network lets no calls through', '当前网络不允许通话'],
  trouble_network_do: [
    'Try another one, such as mobile data. Or ask whoever runs it to allow UDP {udp} and TCP {tcp} to {host}.',
    '请换一个网络（如手机流量），或请网络管理员放行到 {host} 的 UDP {udp} 和 TCP {tcp}。',
  ],
  trouble_encryption: ['Connected, but the encryption could not be set up', '已连接，但无法建立加密'],
  trouble_encryption_do: ['Something on the way drops large packets, often a VPN. Turn it off, or try another network.', '途中有设备丢弃了大数据包，常见于 VPN。请关闭 VPN 或换一个网络。'],
  'trouble_own-muted_microphone': ['Nobody hears you: the system mutes your microphone', '别人听不到你：系统已将麦克风静音'],
  'trouble_own-muted_microphone_do': ['Unmute it on the device or in the system’s settings.', '请在设备上或系统设置中取消静音。'],
  'trouble_own-muted_camera': ['Nobody sees you: the system blocks your camera', '别人看不到你：系统已停用摄像头'],
  'trouble_own-muted_camera_do': ['Open its cover or allow it in the system’s settings, then turn the camera on again.', '请打开镜头盖或在系统设置中允许，然后重新打开摄像头。'],
  'trouble_own-still_microphone': ['Nobody hears you: your sound does not leave this device', '别人听不到你：声音没有从本设备发出'],
  'trouble_own-still_microphone_do': ['Leave the call and join again, or choose another microphone in the system’s settings.', '请离开后重新加入，或在系统设置中换一个麦克风。'],
  'trouble_own-still_camera': ['Nobody sees you: your picture does not leave this device', '别人看不到你：画面没有从本设备发出'],
  'trouble_own-still_camera_do': ['Turn the camera off and on again. If that does not help, your network may be too slow for pictures.', '请关闭摄像头再重新打开。如果仍不行，可能是网络太慢，无法传送画面。'],
  trouble_others: ['Nothing arrives from {who}', '收不到 {who} 的声音或画面'],
  trouble_others_do: ['Their network or device seems to be the trouble. Ask them what their screen says, or to join again.', '可能是对方的网络或设备有问题。请对方查看屏幕上的提示，或重新加入。'],
} satisfies Both;
