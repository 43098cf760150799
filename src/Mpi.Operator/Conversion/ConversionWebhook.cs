using System.Net.Security;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;
using Microsoft.Extensions.Logging;
using Mpi.Dialects;

namespace Mpi.Operator;

/// <summary>Turns an MPIJob into another version of itself. Pure: the same answer for the same job and settings, on every replica.</summary>
/// <param name="job">Its <c>apiVersion</c> says what it is.</param>
/// <param name="apiVersion">What it is to become.</param>
public delegate JsonObject ConvertMpiJob(JsonObject job, string apiVersion, ConversionSettings settings);

/// <summary>
/// The conversion webhook without its socket: what it answers, the certificate that it answers with, whether it is ready, and the loops that keep all
/// that. Every replica serves, so that the API server finds one whoever leads.
/// </summary>
public sealed partial class ConversionWebhook : IAsyncDisposable
{
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(10);
    private static readonly Backoff Backoff = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromMinutes(1));

    private readonly ConvertMpiJob _convert;
    private readonly WebhookUpkeep _keys;
    private readonly SettingsUpkeep _settings;
    private readonly IReflector[] _reflectors;
    private readonly ControllerLoop<string> _loop;
    private readonly ILogger _log;

    /// <exception cref="ArgumentException">The options are at fault; the message names every fault.</exception>
    public ConversionWebhook(ConversionOptions options, IKubeClient client, ConvertMpiJob convert, TimeProvider time, Random random, ILogger log)
    {
        if (options.Validate() is { IsEmpty: false } faults) throw new ArgumentException(FieldError.Aggregate(faults), nameof(options));
        Options = options;
        (_convert, _log) = (convert, log);
        var queue = new WorkQueue<string>(Backoff, time, random);
        var secrets = new Store<KubeObject>(static secret => secret);
        var definitions = new Store<DefinitionView>(DefinitionView.Read);
        var configMaps = new Store<KubeObject>(static configMap => configMap);
        secrets.Subscribe(_ => queue.Add(ConversionOptions.SecretName));
        definitions.Subscribe(_ => queue.Add(ConversionOptions.SecretName));
        configMaps.Subscribe(_ => queue.Add(ConversionOptions.SettingsName));
        // Also where none of them exists.
        queue.Add(ConversionOptions.SecretName);
        queue.Add(ConversionOptions.SettingsName);
        _reflectors =
        [
            Reflect(Kinds.Secret, options.Namespace, ConversionOptions.SecretName, secrets),
            Reflect(Kinds.ConfigMap, options.Namespace, ConversionOptions.SettingsName, configMaps),
            Reflect(Kinds.CustomResourceDefinition, null, ConversionOptions.Definition, definitions),
        ];
        // Not fenced by leadership: two that write at once are told apart by resourceVersion.
        var limited = new FencedClient(client, SoleLeader.Instance, time, RequestLimit);
        _keys = new WebhookUpkeep(options, limited, secrets, definitions, time, log);
        _settings = new SettingsUpkeep(options, limited, configMaps, log);
        _loop = new ControllerLoop<string>(
            "webhook", queue, (what, cancellation) => what == ConversionOptions.SettingsName ? _settings.ReconcileAsync(cancellation) : _keys.ReconcileAsync(cancellation),
            _reflectors, (what, cause, wait) => LogTrouble(what, cause.Message, wait.TotalSeconds));

        // One object each: a right that is for a name allows a list that selects that name.
        Reflector<T> Reflect<T>(ResourceKind kind, string? ns, string name, Store<T> store) where T : class => new(
            client, kind, ns, store,
            new ReflectorOptions(FieldSelector: $"metadata.name={name}") { OnFailure = (trouble, _) => LogWatch($"{kind.Plural}/{name}", trouble) },
            time, random);
    }

    public ConversionOptions Options { get; }

    public IReadOnlyList<ILoop> Loops => [.. _reflectors, _loop];

    /// <summary>What the webhook answers with; null before there is one, when no connection can be taken.</summary>
    public SslStreamCertificateContext? Certificate => _keys.Certificate;

    /// <summary>Why it cannot serve yet.</summary>
    public IEnumerable<string> Obstacles
    {
        get
        {
            if (_keys.Obstacle is { } obstacle) yield return obstacle;
            if (_settings.Settings is null) yield return $"the conversion's settings are not read yet (ConfigMap {Options.Namespace}/{ConversionOptions.SettingsName})";
        }
    }

    /// <summary>Whether objects may be stored in versions that are stored no more.</summary>
    public bool IsStorageOutdated => _keys.Definition is { Outdated.IsEmpty: false };

    /// <summary>Answers one request. Thread-safe, and never throws for what the request holds.</summary>
    public ConversionAnswer Answer(ReadOnlySpan<byte> body)
    {
        // One look, so that all objects of a list are converted alike.
        var settings = _settings.Settings;
        var answer = ConversionReview.Answer(body, (job, apiVersion) => _convert(job, apiVersion, settings ?? throw new InvalidOperationException("the operator has only just started and has not read the conversion's settings yet")));
        if (answer.Failure is { } failure) LogRefused(failure);
        return answer;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var reflector in _reflectors) await reflector.DisposeAsync();
    }

    [LoggerMessage(160, LogLevel.Warning, "webhook: {What}: {Trouble}; again in {Seconds} s")]
    private partial void LogTrouble(string what, string trouble, double seconds);

    [LoggerMessage(161, LogLevel.Warning, "webhook: watch of {What}: {Trouble}")]
    private partial void LogWatch(string what, string trouble);

    [LoggerMessage(162, LogLevel.Warning, "webhook: {Failure}")]
    private partial void LogRefused(string failure);
}
