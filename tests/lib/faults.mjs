// What a scenario does to a daemon from below, through tests/lib/faults.so: it
// moves the clocks of that process and lets calls on its files fail.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { topBuild } from './sim.mjs';

const WHAT = { write: 1, sync: 2, open: 4 };

// makeFaults(dir, under) -> { env, order(orders) }: `env` is what the daemon is
// started with; `under` the folder whose files may fail. order() replaces all
// that was ordered before: { wall_s, boot_s, problem: 'EIO', what: ['write'] }.
export function makeFaults(dir, under = '') {
  const file = path.join(dir, 'faults');
  fs.writeFileSync(file, Buffer.alloc(32));
  return {
    env: {
      LD_PRELOAD: path.join(topBuild, 'tests/lib/faults.so'),
      FAULTS: file,
      FAULTS_UNDER: under,
      // with a sanitizer in the daemon: this one may come before it
      ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:verify_asan_link_order=0`,
    },
    order({ wall_s = 0, boot_s = 0, problem, what = [] } = {}) {
      const orders = Buffer.alloc(32);
      orders.writeBigInt64LE(BigInt(Math.round(wall_s * 1e6)), 0);
      orders.writeBigInt64LE(BigInt(Math.round(boot_s * 1e6)), 8);
      orders.writeBigInt64LE(BigInt(problem ? os.constants.errno[problem] : 0), 16);
      orders.writeBigInt64LE(BigInt(what.reduce((bits, one) => bits | WHAT[one], 0)), 24);
      const handle = fs.openSync(file, 'r+');
      fs.writeSync(handle, orders, 0, 32, 0);
      fs.closeSync(handle);
    },
  };
}
