/** A verifier thread that never gets as far as its self-test. */
throw new Error('cannot load')
