// Emulated time, in nanoseconds since power on: the RP2040's own clock, so what
// the chips do depends on nothing else. It outlives a reset of the RP2040.

export class Time {
    #clock = null;
    #before = 0;                    // time that earlier lives of the RP2040 took
    #waiting = new Set();

    get now() {
        return this.#before + (this.#clock ? this.#clock.nanos : 0);
    }

    // Goes on with the clock of a new RP2040, which stands at 0.
    follow(clock) {
        this.#before = this.now;
        this.#clock = clock;
        for (const event of this.#waiting) this.#arm(event);
    }

    // Calls back at a time; returns what cancel() takes.
    at(when, callback) {
        const event = { when, callback, alarm: null };
        this.#waiting.add(event);
        if (this.#clock) this.#arm(event);
        return event;
    }

    after(nanos, callback) {
        return this.at(this.now + nanos, callback);
    }

    cancel(event) {
        if (!event || !this.#waiting.delete(event)) return;
        event.alarm?.cancel();
    }

    #arm(event) {
        event.alarm = this.#clock.createAlarm(() => {
            this.#waiting.delete(event);
            event.callback();
        });
        event.alarm.schedule(Math.max(event.when - this.now, 0));
    }
}
