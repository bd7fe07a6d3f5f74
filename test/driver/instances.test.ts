import assert from 'node:assert/strict'
import { INSTANCE_MS, Instances } from '../../src/driver/instances.ts'

describe('processes that speak with one key', () => {
  it('the second one has an elder, the first one has none', () => {
    const instances = new Instances()
    instances.heard('key', 'first', 0)
    assert.equal(instances.hasElder('key', 'first', 0), false)
    instances.heard('key', 'second', 10)
    assert.equal(instances.hasElder('key', 'second', 10), true)
    instances.heard('key', 'first', 20)
    assert.equal(instances.hasElder('key', 'first', 20), false, 'whoever came first stays the first')
    assert.equal(instances.hasElder('other', 'second', 10), false)
  })

  it('an elder that is not heard any more has ended', () => {
    const instances = new Instances()
    instances.heard('key', 'first', 0)
    instances.heard('key', 'second', INSTANCE_MS)
    assert.equal(instances.hasElder('key', 'second', INSTANCE_MS), true)
    assert.equal(instances.hasElder('key', 'second', INSTANCE_MS + 1), false)
    instances.heard('key', 'second', INSTANCE_MS + 1)
    instances.heard('key', 'first', INSTANCE_MS + 2)
    assert.equal(instances.hasElder('key', 'first', INSTANCE_MS + 2), true, 'it begins anew')
  })

  it('nobody is remembered once no connection is left', () => {
    const instances = new Instances()
    instances.heard('key', 'first', 0)
    instances.gone('key')
    instances.heard('key', 'second', 1)
    assert.equal(instances.hasElder('key', 'second', 1), false)
  })
})
