using Kube.Client;
using Kube.Types;
using Microsoft.Extensions.Logging;
using Mpi.Dialects;

namespace Mpi.Operator;

/// <summary>
/// Reads the conversion's settings and follows their changes. Where the ConfigMap does not exist, it is created from the flags of whoever comes first, so that
/// the arguments of an old Deployment go on meaning what they did; from then on it holds, and flags that say otherwise are warned of.
/// </summary>
/// <param name="client">Requests through it have a limit in time.</param>
internal sealed partial class SettingsUpkeep(ConversionOptions options, IKubeClient client, Store<KubeObject> configMaps, ILogger log)
{
    private volatile ConversionSettings? _settings;
    private string _read = "";

    /// <summary>Null before they were read.</summary>
    public ConversionSettings? Settings => _settings;

    public async ValueTask<Outcome> ReconcileAsync(CancellationToken cancellation)
    {
        var name = $"{options.Namespace}/{ConversionOptions.SettingsName}";
        if (configMaps.Find(new ObjectKey(options.Namespace, ConversionOptions.SettingsName)) is not { } configMap)
        {
            // One that was deleted comes back as it was: conversions must not change because nobody looks.
            var made = ConversionConfigMap.Write(_settings ?? ConversionConfigMap.Over(ConversionSettings.Default, options.Flags, out _), options.Namespace);
            configMap = await client.CreateAsync(Kinds.ConfigMap, made, cancellation);
            LogCreated(name);
        }

        if (configMap.Meta.ResourceVersion == _read) return Outcome.Done;
        _read = configMap.Meta.ResourceVersion;
        _settings = ConversionConfigMap.Read(configMap, out var faults);
        foreach (var fault in faults) LogFault(name, fault);
        foreach (var contradiction in ConversionConfigMap.Contradictions(_settings, options.Flags, options.Namespace)) LogContradiction(contradiction);
        return Outcome.Done;
    }

    [LoggerMessage(170, LogLevel.Information, "conversion: made ConfigMap {Name}, which holds its settings from now on")]
    private partial void LogCreated(string name);

    [LoggerMessage(171, LogLevel.Error, "conversion: ConfigMap {Name}: {Fault}")]
    private partial void LogFault(string name, string fault);

    [LoggerMessage(172, LogLevel.Warning, "conversion: {Contradiction}")]
    private partial void LogContradiction(string contradiction);
}
