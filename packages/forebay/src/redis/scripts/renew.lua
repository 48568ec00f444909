-- Prolongs a lease that is still ours.
local lease = KEYS[4] -- the lease
local token = ARGV[3] -- the lease's
local leaseMs = ARGV[4] -- its new life, ms

checkWritable()
if readLease(lease) ~= token then return 0 end
return redis.call('PEXPIRE', lease, leaseMs)
