import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { configurationPage, describeConfig } from '../../node/config/describe.ts'
import { type Option, type OptionName, options } from '../../node/config/options.ts'
import { type ConfigSources, readConfig } from '../../node/config/read.ts'

const HOME = '/home/ada'
const PEER = '12D3KooWHnyKgm3KMjyweiA3cQMfuAySf47K6xk2veQ5mLCUaYpi'

function read(sources: Partial<ConfigSources>) {
  return readConfig({ flags: {}, ...sources, env: { HOME, ...sources.env } })
}

function config(sources: Partial<ConfigSources>) {
  const result = read(sources)
  assert.ok(result.ok, result.ok ? '' : result.problems.join('\n'))
  return result.config
}

function problems(sources: Partial<ConfigSources>): readonly string[] {
  const result = read(sources)
  return result.ok ? [] : result.problems
}

/** A value of each option that is not its default, as text; and one that is wrong. */
const samples: { readonly [Name in OptionName]: readonly [text: string, value: unknown, wrong?: string] } = {
  dir: ['/srv/web4', '/srv/web4', 'a\0b'],
  name: ['alpha', 'alpha', 'Alpha!'],
  listen: ['/ip4/0.0.0.0/tcp/4481', ['/ip4/0.0.0.0/tcp/4481'], 'localhost:4481'],
  peers: ['/ip4/127.0.0.1/tcp/1,/dns4/b.example/tcp/2', ['/ip4/127.0.0.1/tcp/1', '/dns4/b.example/tcp/2'], '/ip4/x'],
  federation: ['test-7', 'test-7', '-x'],
  dht: ['client', 'client', 'on'],
  addresses: ['public', 'public', 'private'],
  mdns: ['on', true, 'yes'],
  max_connections: ['64', 64, '7'],
  allow: [`${PEER},/ip4/10.0.0.0/ipcidr/8`, [PEER, '/ip4/10.0.0.0/ipcidr/8'], '/ip4/10.0.0.0/ipcidr/33'],
  deny: ['/ip6/fe80::/ipcidr/10,/ip4/192.0.2.7', ['/ip6/fe80::/ipcidr/10', '/ip4/192.0.2.7'], `${PEER}x`],
  network_key_file: ['/etc/web4/swarm.key', '/etc/web4/swarm.key', 'a\0b'],
  api_host: ['::1', '::1', 'a b'],
  api_port: ['0', 0, '65536'],
  log_level: ['debug', 'debug', 'loud'],
  verify_workers: ['3', 3, '-1'],
  store: ['memory', 'memory', 'postgres'],
  range_fetch: ['off', false, ''],
  score_params: ['library', 'library', 'none'],
  group_ms: ['20', 20, '1.5'],
  consent: ['all', 'all', 'some'],
  status_ms: ['500', 500, '50'],
  audit_minutes: ['5', 5, '1441'],
  decay_sweep: ['off', false, 'never'],
  sweep_minimum: ['2.5', '2.5', '-1'],
  public_witnesses: ['/etc/web4/witnesses.json', '/etc/web4/witnesses.json', 'a\0b'],
  tlog_witness: ['/etc/web4/logs.json', '/etc/web4/logs.json', 'a\0b'],
  tlog_witness_name: ['witness.example/w1', 'witness.example/w1', 'web4/witness/z6Mk'],
  passphrase_file: ['/run/secret', '/run/secret', '\0'],
  passphrase: ['correct horse', 'correct horse', 'two\nlines'],
}
const names = Object.keys(samples) as OptionName[]

describe('configuration', () => {
  it('has a default for everything', () => {
    const found = config({})
    assert.deepEqual(Object.keys(found).sort(), [...names].sort())
    assert.equal(found.dir, `${HOME}/.web4`)
    assert.deepEqual(found.listen, ['/ip4/127.0.0.1/tcp/0'])
    assert.equal(found.api_port, 4480)
    assert.equal(found.range_fetch, true)
  })

  for (const name of names) {
    const option: Option = options[name]
    const [text, value, wrong] = samples[name]

    it(`reads ${name} from each source, and refuses what is wrong`, () => {
      const file = (raw: unknown) => JSON.stringify({ [name]: raw })
      assert.deepEqual(config({ env: { [option.env]: text } })[name], value)
      assert.equal(problems({ env: { [option.env]: wrong } }).length, 1)
      if (option.secret) {
        assert.match(problems({ file: file(text) })[0] ?? '', /secret/)
      } else {
        assert.deepEqual(config({ file: file(value) })[name], value)
        assert.equal(problems({ file: file(wrong) }).length, 1)
        assert.equal(problems({ file: file(null) }).length, 1)
      }
      if (option.flag === undefined) assert.equal(problems({ flags: { [name]: text } }).length, 1)
      else assert.deepEqual(config({ flags: { [name]: text } })[name], value)
    })
  }

  it('takes flags before environment before file before defaults', () => {
    const file = '{"group_ms":1}'
    const env = { WEB4_GROUP_MS: '2' }
    const flags = { group_ms: '3' }
    assert.equal(config({}).group_ms, 5)
    assert.equal(config({ file }).group_ms, 1)
    assert.equal(config({ file, env }).group_ms, 2)
    assert.equal(config({ file, env, flags }).group_ms, 3)
    assert.equal(config({ file, flags }).group_ms, 3)
    assert.equal(config({ file, env, flags: { group_ms: undefined } }).group_ms, 2)
  })

  it('reports every problem of every source at once', () => {
    const found = problems({
      file: '{"api_port":70000,"colour":"red","store":"tape","passphrase":"x"}',
      env: { WEB4_GROUP_MS: 'soon', WEB4_COLOUR: 'red', WEB4_URL: 'http://127.0.0.1:1' },
      flags: { range_fetch: 'perhaps', shape: 'round', passphrase: 'x' },
    })
    assert.deepEqual(found, [
      'file: unknown option colour',
      'file: passphrase is a secret; set WEB4_PASSPHRASE instead',
      'environment: unknown variable WEB4_COLOUR',
      'flags: unknown option shape',
      'flags: unknown option passphrase',
      'file, api_port: must be a whole number from 0 to 65535',
      'file, store: must be one of level, memory',
      'WEB4_GROUP_MS: must be a whole number from 0 to 1000',
      '--range-fetch: must be on or off',
    ])
  })

  it('reports a wrong value although another source overrides it', () => {
    assert.equal(problems({ file: '{"group_ms":"x"}', flags: { group_ms: '3' } }).length, 1)
  })

  it('refuses a file that is no JSON object', () => {
    assert.deepEqual(problems({ file: '{' }), ['file: not JSON'])
    assert.deepEqual(problems({ file: '[]' }), ['file: not a JSON object'])
    assert.deepEqual(problems({ file: '{"__proto__":1,"toString":2}' }), [
      'file: unknown option __proto__',
      'file: unknown option toString',
    ])
  })

  it('needs HOME only for a path that starts with it', () => {
    assert.equal(readConfig({ env: {}, flags: {} }).ok, false)
    assert.equal(readConfig({ env: {}, flags: { dir: '/x' } }).ok, true)
  })

  it('never shows a secret in a problem', () => {
    assert.doesNotMatch(problems({ env: { WEB4_PASSPHRASE: 'hidden\nline' } }).join(), /hidden/)
  })
})

describe('description of the configuration', () => {
  it('has every option once, with flags and variables of its own', () => {
    const described = describeConfig()
    assert.deepEqual(described.map(({ name }) => name).sort(), [...names].sort())
    for (const member of ['flag', 'env'] as const) {
      const all = described.map(option => option[member]).filter(text => text !== undefined)
      assert.equal(new Set(all).size, all.length)
    }
    for (const { env, flag, name } of described) {
      assert.equal(env, `WEB4_${name.toUpperCase()}`)
      if (flag !== undefined) assert.equal(flag.split(' ')[0], `--${name.replaceAll('_', '-')}`)
    }
  })

  it('is what docs/configuration.md says', async () => {
    const page = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
    assert.equal(page, configurationPage(), 'run: node scripts/docs.ts')
  })
})
