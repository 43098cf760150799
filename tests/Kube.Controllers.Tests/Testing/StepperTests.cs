using Kube.Client;
using Kube.Testing;

namespace Kube.Controllers.Tests;

public sealed class StepperTests
{
    private readonly VirtualClock _clock = new();

    [Fact]
    public void Loops_are_stepped_until_none_has_anything_to_do()
    {
        var first = new Countdown("first", _clock, 3);
        var second = new Countdown("second", _clock, 5);
        new Stepper(_clock, new Random(1)).Add(first, second).RunUntilQuiet();
        Assert.Equal((0, 0), (first.Left, second.Left));
    }

    [Fact]
    public void Time_passes_to_the_next_due_time_of_a_loop()
    {
        var loop = new Periodic(_clock, TimeSpan.FromSeconds(7));
        var start = _clock.GetUtcNow();
        new Stepper(_clock, new Random(1)).Add(loop).RunFor(TimeSpan.FromSeconds(30));
        Assert.Equal([7.0, 14.0, 21.0, 28.0], loop.At.Select(t => (t - start).TotalSeconds));
        Assert.Equal(start + TimeSpan.FromSeconds(30), _clock.GetUtcNow());
    }

    [Fact]
    public void The_order_of_steps_follows_from_the_seed()
    {
        List<string> Run(int seed)
        {
            var order = new List<string>();
            new Stepper(_clock, new Random(seed)) { AfterProgress = l => order.Add(l.Name) }
                .Add(new Countdown("a", _clock, 20), new Countdown("b", _clock, 20)).RunUntilQuiet();
            return order;
        }

        Assert.Equal(Run(7), Run(7));
        Assert.NotEqual(Run(7), Run(8));
    }

    [Fact]
    public void A_run_that_never_comes_to_rest_fails_with_its_trace()
    {
        var stepper = new Stepper(_clock, new Random(1)) { MaxStepsPerRun = 50 }.Add(new Countdown("endless", _clock, int.MaxValue));
        var failure = Assert.Throws<StepperException>(stepper.RunUntilQuiet);
        Assert.Contains("50 steps did not lead to rest", failure.Message, StringComparison.Ordinal);
        Assert.Contains("endless", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_step_that_waits_for_the_real_world_is_named()
    {
        var stepper = new Stepper(_clock, new Random(1)).Add(new Sleeper());
        Assert.Contains("the step of sleeper did not complete synchronously", Assert.Throws<StepperException>(stepper.RunUntilQuiet).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_condition_that_never_holds_fails_at_its_virtual_limit()
    {
        var stepper = new Stepper(_clock, new Random(1)).Add(new Periodic(_clock, TimeSpan.FromSeconds(1)));
        var failure = Assert.Throws<StepperException>(() => stepper.RunUntil(() => false, TimeSpan.FromMinutes(1), "the impossible"));
        Assert.StartsWith("the impossible did not come to hold within 00:01:00", failure.Message, StringComparison.Ordinal);
    }

    private sealed class Countdown(string name, TimeProvider time, int left) : ILoop
    {
        private readonly Signal _signal = new(time);
        public string Name => name;
        public int Left { get; private set; } = left;
        public ValueTask<bool> StepAsync(CancellationToken cancellation) => ValueTask.FromResult(Left > 0 && Left-- > 0);
        public ValueTask WaitAsync(CancellationToken cancellation) => _signal.WaitAsync(null, cancellation);
    }

    private sealed class Periodic(TimeProvider time, TimeSpan period) : ILoop
    {
        private readonly Signal _signal = new(time);
        private DateTimeOffset _due = time.GetUtcNow() + period;
        public List<DateTimeOffset> At { get; } = [];
        public string Name => "periodic";

        public ValueTask<bool> StepAsync(CancellationToken cancellation)
        {
            if (time.GetUtcNow() < _due) return ValueTask.FromResult(false);
            At.Add(time.GetUtcNow());
            _due += period;
            return ValueTask.FromResult(true);
        }

        public ValueTask WaitAsync(CancellationToken cancellation) => _signal.WaitAsync(_due, cancellation);
    }

    private sealed class Sleeper : ILoop
    {
        public string Name => "sleeper";
        public async ValueTask<bool> StepAsync(CancellationToken cancellation)
        {
            await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System, cancellation);
            return false;
        }

        public ValueTask WaitAsync(CancellationToken cancellation) => ValueTask.CompletedTask;
    }
}
