import type { ChoiceOption, Option } from './options.ts'

const DHT_MODES = ['server', 'client', 'off'] as const
const ADDRESS_CHOICES = ['any', 'public'] as const

/** Who is found and who may connect; a part of the table in options.ts. */
export const networkOptions = {
  dht: {
    type: 'choice',
    flag: '--dht',
    env: 'WEB4_DHT',
    default: 'server',
    choices: DHT_MODES,
    description:
      'finding nodes that serve a log: answer others and ask (server), only ask (client, for nodes that cannot be dialled), or neither',
  } as ChoiceOption<(typeof DHT_MODES)[number]>,
  addresses: {
    type: 'choice',
    flag: '--addresses',
    env: 'WEB4_ADDRESSES',
    default: 'any',
    choices: ADDRESS_CHOICES,
    description:
      'which addresses are taken from the DHT and from laws, and passed on: any, or only those of the public internet',
  } as ChoiceOption<(typeof ADDRESS_CHOICES)[number]>,
  mdns: {
    type: 'switch',
    flag: '--mdns',
    env: 'WEB4_MDNS',
    default: false,
    description: 'find and be found by nodes of this federation on the local network',
  },
  max_connections: {
    type: 'integer',
    flag: '--max-connections',
    env: 'WEB4_MAX_CONNECTIONS',
    default: 256,
    min: 8,
    max: 10_000,
    description: 'connections to other nodes; beyond them nobody is let in',
  },
  allow: {
    type: 'access',
    flag: '--allow',
    env: 'WEB4_ALLOW',
    default: [],
    description: 'if any: only these peers and networks may be connected, and the configured peers',
  },
  deny: {
    type: 'access',
    flag: '--deny',
    env: 'WEB4_DENY',
    default: [],
    description: 'peers and networks with which there is no connection in either direction',
  },
  network_key_file: {
    type: 'path',
    flag: '--network-key-file',
    env: 'WEB4_NETWORK_KEY_FILE',
    default: '',
    description: 'swarm.key of a private network: only nodes with the same one can connect; empty: an open network',
  },
} as const satisfies Record<string, Option>
