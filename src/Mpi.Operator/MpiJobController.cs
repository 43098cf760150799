using System.Collections.Concurrent;
using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;
using Microsoft.Extensions.Logging;
using Mpi.Model;
using Mpi.Planning;

namespace Mpi.Operator;

/// <summary>
/// The controller: one pass brings one job a step closer to what it asks for. Observe, decide, apply, requeue; the rules
/// are <see cref="Planner"/>'s, the writes are <see cref="PlanApplier"/>'s.
/// </summary>
public sealed partial class MpiJobController
{
    private readonly ConcurrentDictionary<ObjectKey, JobMemory> _memories = new();
    private readonly IWorldView _world;
    private readonly IKubeClient _client;
    private readonly ObservedRunBuilder _builder;
    private readonly Func<ObservedRun, Plan> _decide;
    private readonly PlanApplier _applier;
    private readonly OperatorMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;

    /// <param name="client">Fenced: it refuses writes without the lease.</param>
    /// <param name="decide"><see cref="OperatorParts.Decide"/>.</param>
    public MpiJobController(
        IWorldView world, IKubeClient client, IDialect dialect, Func<ObservedRun, Plan> decide, PlanApplier applier, OperatorMetrics metrics, PlanningOptions options, TimeProvider time, ILogger log)
    {
        _world = world;
        _client = client;
        _builder = new ObservedRunBuilder(world, new Ownership(client), new PriorityClasses(client, time), new GangQueues(client, time), new Rivals(client, time), dialect, options, time);
        _decide = decide;
        _applier = applier;
        _metrics = metrics;
        _time = time;
        _log = log;
    }

    /// <summary>After this many plans in a row that met another world than they saw, the stores are read anew.</summary>
    private const int StaleLimit = 3;

    /// <summary>Rounds of reading from the server before a plan is put off: each round names objects that the last did not.</summary>
    private const int ConfirmRounds = 3;

    /// <summary>One pass over one job; the work queue sees to it that there is one at a time for each key.</summary>
    /// <returns>Whether and when to look again.</returns>
    public async ValueTask<Outcome> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        // 1. Observe. What is being deleted is left to the garbage collector.
        if (_world.Job(key) is not { Meta.DeletionTimestamp: null } job)
        {
            Forget(key);
            return Outcome.Done;
        }

        var memory = Remember(job);
        if (memory.Check(_world.SeenUpTo, _time.GetUtcNow()) is Freshness.Behind behind)
        {
            foreach (var kind in behind.Overdue) _world.Distrust(kind);
            return LookAgainAt(behind.Until);
        }

        try
        {
            var seen = await _builder.BuildAsync(job, memory, cancellation);

            // 2. Decide. What cannot be taken back is decided on the server's word, not on a store's.
            var plan = _decide(seen);
            for (var round = 0; !plan.Confirm.IsEmpty; round++)
            {
                if (round == ConfirmRounds) return new Outcome.Failed(new UnsettledException("the server answers otherwise each time"));
                seen = await ConfirmAsync(seen, plan.Confirm, memory, cancellation);
                plan = _decide(seen);
            }

            // 3. Apply.
            var outcome = await _applier.ApplyAsync(job, plan, cancellation);
            memory.Absorb(outcome, _world.Watches, seen.Workers, _time.GetUtcNow());
            if (seen.Launcher is { } launcher) _metrics.JobSeen(memory.Uid, new ObjectKey(key.Namespace, launcher.Meta.Name));

            // 4. Requeue. Trouble backs off; what was found out is planned for at once; else the plan says when.
            if (memory.StaleInARow >= StaleLimit) _world.Distrust(null);
            if (outcome.Trouble is { } stopped) return new Outcome.Failed(stopped);
            if (!outcome.Complete)
            {
                return memory.FindingsInARow > 1
                    ? new Outcome.Failed(new UnsettledException("objects cannot be created"))
                    : new Outcome.Requeue(TimeSpan.Zero);
            }

            return plan.RevisitAt is { } at ? LookAgainAt(at) : Outcome.Done;
        }
        catch (Exception trouble) when (IsTransient(trouble, cancellation))
        {
            LogUnobserved(key, trouble.Message);
            return new Outcome.Failed(trouble);
        }
        catch (Exception bug) when (bug is not (OperationCanceledException or NotLeadingException))
        {
            // One job's bad luck is not the others': this key slows down, and the operator goes on.
            LogBug(bug, key);
            return new Outcome.Failed(bug);
        }
    }

    private Outcome.Requeue LookAgainAt(DateTimeOffset at) => new(at - _time.GetUtcNow());

    /// <summary>Reads from the server what a plan wants confirmed, and observes again with the answers.</summary>
    private async Task<ObservedRun> ConfirmAsync(ObservedRun seen, ImmutableArray<ObjectToConfirm> questions, JobMemory memory, CancellationToken cancellation)
    {
        var (absent, present) = (seen.ConfirmedAbsent.ToBuilder(), seen.ConfirmedPresent.ToBuilder());
        foreach (var question in questions)
        {
            try
            {
                memory.Meet(question, await _client.GetAsync(question.Kind, question.Key.Namespace, question.Key.Name, cancellation));
                absent.Remove(question);
                present.Add(question);
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                absent.Add(question);
                present.Remove(question);
            }
        }

        return await _builder.BuildAsync(seen.Job, memory, cancellation) with { ConfirmedAbsent = absent.ToImmutable(), ConfirmedPresent = present.ToImmutable() };
    }

    private JobMemory Remember(KubeObject job)
    {
        if (_memories.TryGetValue(job.Meta.Key, out var known) && known.Uid == job.Meta.Uid) return known;
        // One of the same name that was deleted and made anew.
        if (known is not null) _metrics.JobGone(known.Uid);
        return _memories[job.Meta.Key] = new JobMemory(job.Meta.Uid);
    }

    private void Forget(ObjectKey key)
    {
        if (_memories.TryRemove(key, out var known)) _metrics.JobGone(known.Uid);
    }

    private static bool IsTransient(Exception trouble, CancellationToken cancellation) =>
        trouble is ApiException or HttpRequestException or IOException && !cancellation.IsCancellationRequested;

    [LoggerMessage(130, LogLevel.Information, "{Job} could not be observed: {Trouble}")]
    private partial void LogUnobserved(ObjectKey job, string trouble);

    [LoggerMessage(131, LogLevel.Critical, "a pass over {Job} failed in a way that it must not; this is a bug of the operator")]
    private partial void LogBug(Exception bug, ObjectKey job);
}

/// <summary>A pass ended on something that neither an error of the API nor a bug stands for.</summary>
internal sealed class UnsettledException(string message) : Exception(message);
