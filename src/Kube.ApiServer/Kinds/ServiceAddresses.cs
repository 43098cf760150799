using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// The cluster addresses and node ports that Services hold. Addresses are given out in order, so that the same requests give
/// the same addresses; one that was returned is used again only after the whole range was passed. Thread-safe.
/// </summary>
internal sealed class ServiceAddresses
{
    /// <summary>10.96.0.0/16; the first address is where clusters have their API server, the first 255 are left to those who ask for one.</summary>
    private const uint First = (10u << 24) | (96u << 16);

    private const int FirstFree = 256;
    private const int AddressCount = 65_534;
    private const int FirstNodePort = 30_000;
    private const int NodePortCount = 2_768;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _addresses = new(StringComparer.Ordinal);
    private readonly HashSet<int> _nodePorts = [];
    private int _nextAddress = FirstFree;
    private int _nextNodePort;

    public string TakeAddress(WriteContext context)
    {
        lock (_gate)
        {
            for (var tries = 0; tries < AddressCount; tries++)
            {
                var address = Format(_nextAddress);
                _nextAddress = _nextAddress >= AddressCount ? 1 : _nextAddress + 1;
                if (_addresses.Contains(address)) continue;
                if (!context.DryRun) _addresses.Add(address);
                return address;
            }
        }

        throw new ApiException(new ApiStatus(500, ApiReason.InternalError, "failed to allocate a serviceIP: range is full"));
    }

    /// <summary>Takes an address that the client chose.</summary>
    public void Claim(string address, JsonObject service, WriteContext context)
    {
        lock (_gate)
        {
            var stored = context.Call.Resource.Objects.Find(context.Call.Key with { Name = service.Text("metadata", "name") ?? "" });
            var own = stored is not null && JsonTree.Read(stored.Utf8).Text("spec", "clusterIP") == address;
            if (own) return;
            if (_addresses.Contains(address))
            {
                throw Failures.Invalid(Kinds.Service, service.Text("metadata", "name") ?? "",
                    [FieldError.Invalid("spec.clusterIPs", $"[\"{address}\"]", "failed to allocate IP " + address + ": provided IP is already allocated")]);
            }

            if (!context.DryRun) _addresses.Add(address);
        }
    }

    public int TakeNodePort(WriteContext context)
    {
        lock (_gate)
        {
            for (var tries = 0; tries < NodePortCount; tries++)
            {
                var port = FirstNodePort + _nextNodePort;
                _nextNodePort = (_nextNodePort + 1) % NodePortCount;
                if (_nodePorts.Contains(port)) continue;
                if (!context.DryRun) _nodePorts.Add(port);
                return port;
            }
        }

        throw new ApiException(new ApiStatus(500, ApiReason.InternalError, "failed to allocate a nodePort: range is full"));
    }

    public void Release(JsonObject service)
    {
        lock (_gate)
        {
            if (service.Text("spec", "clusterIP") is { } address) _addresses.Remove(address);
            foreach (var (_, port) in service.Objects("spec", "ports"))
            {
                if (port.Integer("nodePort") is { } number) _nodePorts.Remove((int)number);
            }
        }
    }

    private static string Format(int offset)
    {
        var address = First + (uint)offset;
        return $"{address >> 24}.{(address >> 16) & 255}.{(address >> 8) & 255}.{address & 255}";
    }
}
