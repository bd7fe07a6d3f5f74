import assert from 'node:assert/strict'
import { formatInvitation, type Invitation, isInvitation, parseInvitation } from '../../node/invitation.ts'
import { identity } from '../support/identity.ts'

const { key } = identity('invited')
const PEER = '12D3KooWRm8J3iL796zPFi2EtGGtUJn58AG67gcRaxcT9wK5oyL4'
const invitation: Invitation = {
  name: 'alpha-2',
  key,
  addresses: [
    `/ip4/192.0.2.7/tcp/4001/p2p/${PEER}`,
    `/ip6/2001:db8::1/tcp/4001/p2p/${PEER}`,
    '/dns4/node.example/tcp/9',
  ],
}
const line = formatInvitation(invitation)

function code(text: string): string {
  const parsed = parseInvitation(text)
  return parsed.ok ? 'ok' : parsed.error.code
}

describe('invitation', () => {
  it('is one line that a shell and a mail leave alone', () => {
    assert.match(line, /^web4:1:alpha-2:z6Mk[A-Za-z0-9]{44}:[A-Za-z0-9/.:,_-]+:[a-z2-7]{8}$/)
    assert.deepEqual(parseInvitation(line), { ok: true, value: invitation })
    assert.ok(isInvitation(line))
    assert.ok(!isInvitation('/ip4/192.0.2.7/tcp/4001'))
    assert.ok(!isInvitation(key))
  })

  it('has one spelling, frozen', () => {
    const fixed = { name: 'alpha', key: `z6Mk${'a'.repeat(44)}`, addresses: [] }
    assert.throws(() => formatInvitation(fixed), RangeError)
    const own = formatInvitation({ name: 'alpha', key, addresses: ['/ip4/127.0.0.1/tcp/4001'] })
    assert.equal(own, `web4:1:alpha:${key}:/ip4/127.0.0.1/tcp/4001:${own.slice(-8)}`)
    // SHA-256 of the text before it, first 40 bits in base32; worked out once with another program.
    assert.equal(own.slice(-8), '527my2hs')
  })

  it('may be broken by a mail program, and may have no address yet', () => {
    const broken = ` ${line.slice(0, 30)}\r\n  ${line.slice(30, 90)}\n${line.slice(90)}\n`
    assert.deepEqual(parseInvitation(broken), { ok: true, value: invitation })
    const alone = { ...invitation, addresses: [] }
    assert.deepEqual(parseInvitation(formatInvitation(alone)), { ok: true, value: alone })
  })

  it('finds every typing error of one character, and two exchanged ones', () => {
    const start = 'web4:1:'.length
    for (let at = start; at < line.length; at++) {
      const changed = line[at] === 'x' ? 'y' : 'x'
      assert.match(code(line.slice(0, at) + changed + line.slice(at + 1)), /^INVITATION_(CHECKSUM|FORMAT)$/, `${at}`)
      assert.match(code(line.slice(0, at) + line.slice(at + 1)), /^INVITATION_(CHECKSUM|FORMAT)$/, `${at}`)
      const [a = '', b = ''] = line.slice(at, at + 2)
      if (a !== b && b !== '')
        assert.match(code(line.slice(0, at) + b + a + line.slice(at + 2)), /^INVITATION_(CHECKSUM|FORMAT)$/, `${at}`)
    }
    assert.equal(code(line.replace('192.0.2.7', '192.0.2.8')), 'INVITATION_CHECKSUM')
    assert.equal(code(line.replace('alpha', 'alphq')), 'INVITATION_CHECKSUM')
  })

  it('says when it is of another version, whatever that one looks like', () => {
    assert.equal(code(line.replace('web4:1:', 'web4:2:')), 'INVITATION_VERSION')
    assert.equal(code('web4:2:something?else'), 'INVITATION_VERSION')
    assert.equal(code('web4:01:alpha'), 'INVITATION_VERSION')
  })

  it('refuses what is none', () => {
    for (const text of ['', 'hello', key, 'web4:', 'web4:1:', line.slice(0, -3), `${line}!`])
      assert.equal(code(text), 'INVITATION_FORMAT', text)
  })

  it('is never made of what it cannot say', () => {
    const bad: Partial<Invitation>[] = [
      { name: 'Alpha' },
      { name: '' },
      { key: 'z6Mk' },
      { addresses: ['nowhere'] },
      { addresses: ['/unix/a b'] },
      { addresses: [`/dns4/${'a'.repeat(250)}/tcp/1`] },
      { addresses: Array.from({ length: 17 }, () => '/ip4/127.0.0.1/tcp/1') },
    ]
    for (const change of bad) assert.throws(() => formatInvitation({ ...invitation, ...change }), RangeError)
  })
})
