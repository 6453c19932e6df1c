// The finished layer of Gaussians over everything opaque; moved along if the camera went on.

uniform sampler2D u_layer;     // premultiplied; its first row is the lowest
#ifdef SHADE_DEPTH
uniform sampler2D u_depth_map; // colours from near to far
#endif
uniform mat3 u_to_layer;       // pixel of this target to pixel of the layer
uniform vec2 u_layer_size;

varying vec2 v_pixel;

void main() {
    vec3 there = u_to_layer * vec3(v_pixel, 1.0);
    if (there.z <= 0.0) discard;
    vec2 uv = there.xy / (there.z * u_layer_size);
    if (any(lessThan(uv, vec2(0.0))) || any(greaterThan(uv, vec2(1.0)))) discard;
    vec4 texel = texture2D(u_layer, vec2(uv.x, 1.0 - uv.y));
#ifdef SHADE_DEPTH
    // Red holds depth, blue its weight and green the grid.
    float t = clamp(texel.r / max(texel.b, 1e-6), 0.0, 1.0);
    vec3 shade = texture2D(u_depth_map, vec2(t * 255.0 / 256.0 + 0.5 / 256.0, 0.5)).rgb;
    texel.rgb = texel.b * shade + texel.g;
#endif
    gl_FragColor = texel;
}
